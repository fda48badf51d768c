/* SPDX-License-Identifier: MIT */
/* What is still to be visited is a stack: a folder's children replace it. */
#include "config.h"

#include "fs/below.h"

#include "base/vec.h"

DEFINE_VEC(attr_list, struct node_attr);

static bool add_child(const struct node_attr *attr, const char *name, void *arg)
{
    (void)name;
    (void)attr_list_push(arg, *attr);
    return true;
}

static int add_children(struct fs *fs, ino_nr ino, struct attr_list *todo)
{
    READING(fs);
    return store_list(fs->conf.store, ino, 0, add_child, todo);
}

static int get_attr(struct fs *fs, ino_nr ino, struct node_attr *ret)
{
    READING(fs);
    return store_getattr(fs->conf.store, ino, ret);
}

static bool is_folder(const struct node_attr *attr)
{
    return attr->kind == NODE_FOLDER || attr->kind == NODE_VIEW;
}

int below_walk(struct fs *fs, ino_nr ino, const struct below_visitor *visitor)
{
    struct attr_list todo = { 0 };
    struct node_attr attr;
    int r = get_attr(fs, ino, &attr);

    if (r == 0)
        (void)attr_list_push(&todo, attr);
    while (r >= 0 && todo.len > 0) {
        attr = todo.items[--todo.len];
        if (is_folder(&attr)) {
            r = visitor->folder(&attr, visitor->arg);
            if (r >= 0)
                r = add_children(fs, attr.ino, &todo);
        } else if (attr.kind == NODE_FILE) {
            r = visitor->file(&attr, visitor->arg);
        }
    }
    attr_list_clear(&todo);
    return r < 0 ? r : 0;
}
