/* SPDX-License-Identifier: MIT */
/* A table of kinds: how often, what the operands are, what it does, and the words for it. */
#include "config.h"

#include "step.h"

#include "base/strbuf.h"
#include "step_i.h"

/* Two differ in case alone from others. */
const char *const step_names[STEP_NAMES] = { "a", "b", "c", "d", "e", "A", "B" };

const struct step_type step_types[STEP_KINDS] = {
    [STEP_LAG] = { "lag", 0, NUMBER, .bound = STEP_LAG_MAX_MS, .run = service_lag,
                   .words = "each reader of the service lags by up to $a ms" },
    [STEP_SHUFFLE] = { "shuffle", 0, .run = service_shuffle,
                       .words = "changes and answers come in any order" },
    [STEP_REPEAT] = { "repeat", 0, NUMBER, .bound = 60, .run = service_repeat,
                      .words = "of $a % of changed items the state before comes again" },
    [STEP_OMIT_TOMBSTONES] = { "omit tombstones", 0, .run = service_omit_tombstones,
                               .words = "what is below a deleted folder goes without a word" },
    [STEP_OMIT_CTAGS] = { "omit cTags", 0, .run = service_omit_ctags,
                          .words = "changes come without cTag" },
    [STEP_PAGE_SIZE] = { "page size", 0, NUMBER, .bound = 6, .run = service_page_size,
                         .words = "pages have $a items" },
    [STEP_CHILDREN_PAGE_SIZE] = { "listing page size", 0, NUMBER, .bound = 6,
                                  .run = service_children_page_size,
                                  .words = "pages of listings have $a items" },

    [STEP_WRONG_412] = { "wrong 412", 0, NUMBER, .bound = 60, .run = service_wrong_412,
                         .words = "of $a % of deletions it is said that the tag is wrong" },
    [STEP_REWRITE] = { "rewrite", 0, NUMBER, .bound = 60, .run = service_rewrite,
                       .words = "of $a % of uploads the service rewrites the content" },
    [STEP_MOVE_ETAGS] = { "move eTags", 0, .run = service_move_etags,
                          .words = "an upload moves the eTag of its item when it begins" },
    [STEP_WRITABLE] = { "make writable", 0, .run = life_make_writable,
                        .words = "what is changed here is sent" },

    [STEP_CREATE_FILE] = { "create file", 16, NEW_ITEM, FOLDER, NAME, .run = edit_create_file,
                           .words = "somebody makes the file #a, \"$n\" in #b" },
    [STEP_CREATE_FOLDER] = { "create folder", 14, NEW_ITEM, FOLDER, NAME, .run = edit_create_folder,
                             .words = "somebody makes the folder #a, \"$n\" in #b" },
    [STEP_FILL] = { "fill", 2, NEW_ITEM, FOLDER, .run = edit_fill,
                    .words = "somebody makes 30 files in #b, from #a on" },
    [STEP_SHORTCUT] = { "shortcut", 8, NEW_ITEM, OWN_FOLDER, NAME, SHARED,
                        .run = edit_create_shortcut,
                        .words = "somebody makes the shortcut #a, \"$n\" in #b, to #d" },
    [STEP_MOVE] = { "move", 14, MOVABLE, FOLDER, NAME, .run = edit_move,
                    .words = "somebody moves #a to #b as \"$n\"" },
    [STEP_RENAME] = { "rename", 6, MOVABLE, .c = NAME, .run = edit_rename,
                      .words = "somebody renames #a to \"$n\"" },
    [STEP_SWAP] = { "swap", 6, MOVABLE, MOVABLE, .run = edit_swap,
                    .words = "somebody swaps #a and #b" },
    [STEP_REPLACE] = { "replace", 6, MOVABLE, NEW_ITEM, NUMBER, .bound = 3, .run = edit_replace,
                       .words = "somebody puts the new item #b in the place of #a (kind $c)" },
    [STEP_WRITE] = { "write", 10, FILE_ITEM, NUMBER, .bound = 100000, .run = edit_write,
                     .words = "somebody writes $b bytes to #a" },
    [STEP_TOUCH] = { "touch", 3, ITEM, NUMBER, .bound = 1600000000, .run = edit_touch,
                     .words = "somebody sets the time of #a" },
    [STEP_DELETE] = { "delete", 12, MOVABLE, .run = edit_delete, .words = "somebody deletes #a" },
    [STEP_RESTORE] = { "restore", 10, DELETED, .run = edit_restore,
                       .words = "somebody restores #a from the bin" },
    [STEP_MIGRATE] = { "move account", 1, .run = edit_migrate,
                       .words = "the account is moved: all items have other ids" },
    [STEP_MIGRATE_DRIVE] = { "move account and drive", 1, .run = edit_migrate_drive,
                             .words = "the account is moved: drive and items have other ids" },
    [STEP_RETAG] = { "retag", 4, MOVABLE, .run = edit_retag,
                     .words = "the eTag of #a becomes another one" },

    [STEP_EXPIRE] = { "expire", 3, NUMBER, .bound = 8, .run = service_expire,
                      .words = "all links of changes are dead from now on (410, or 400; $a)" },
    [STEP_LOSE] = { "lose", 2, MOVABLE, NUMBER, .bound = STEP_LAG_MAX_MS, .run = service_lose,
                    .words = "the list of changes has lost #a for $b ms" },
    [STEP_SERVE] = { "serve", 14, NUMBER, .bound = 64, .run = service_serve,
                     .words = "the service makes an answer, which is on its way ($a)" },
    [STEP_DELIVER] = { "deliver", 60, NUMBER, .bound = 64, .run = service_deliver,
                       .words = "an answer arrives ($a)" },
    [STEP_FAIL] = { "fail", 3, NUMBER, NUMBER, .bound = 64, .run = service_fail,
                    .words = "a request fails ($a, $b)" },
    [STEP_LOSE_SESSIONS] = { "lose sessions", 2, .run = service_lose_sessions,
                             .words = "all uploads under way are lost on the service" },

    [STEP_LIST] = { "list", 30, ITEM, .run = user_list, .words = "the user lists #a" },
    [STEP_LOOK_UP] = { "look up", 12, ITEM, .c = NAME, .run = user_look_up,
                       .words = "the user looks for \"$n\" in #a" },
    [STEP_FOLLOW] = { "follow", 6, SHORTCUT, .run = user_follow, .words = "the user opens #a" },
    [STEP_PULL] = { "pull", 3, .run = user_pull, .words = "the user wants all changes now" },
    [STEP_USE] = { "use", 4, .run = user_use, .words = "the user uses the mount" },
    [STEP_CONFIRM] = { "confirm", 1, .run = user_confirm,
                       .words = "the user lets held removals go" },
    [STEP_WAKE] = { "wake", 2, .run = user_wake, .words = "the network is there again" },

    [STEP_MAKE_FILE] = { "make file here", 20, FOLDER_PATH, .c = NAME, .run = local_make_file,
                         .words = "the user makes the file \"$n\" in @a" },
    [STEP_MAKE_FOLDER] = { "make folder here", 14, FOLDER_PATH, .c = NAME, .run = local_make_folder,
                           .words = "the user makes the folder \"$n\" in @a" },
    [STEP_SAVE] = { "save", 40, FILE_PATH, NUMBER, .bound = 8, .run = local_save,
                    .words = "the user saves @a (size $b)" },
    [STEP_REPLACE_HERE] = { "replace here", 8, FILE_PATH, NUMBER, .bound = 8, .run = local_replace,
                            .words = "the user saves @a into a draft, which takes its place" },
    [STEP_WRITE_SOME] = { "write some", 12, FILE_PATH, NUMBER, .bound = 8, .run = local_write_some,
                          .words = "the user writes to a part of @a, and keeps it open (size $b)" },
    [STEP_CLOSE] = { "close", 12, NUMBER, .bound = 8, .run = local_close,
                     .words = "the user closes what he wrote to ($a)" },
    [STEP_COPY] = { "copy", 4, FILE_PATH, .run = local_copy,
                    .words = "the user saves to @a what the server has there" },
    [STEP_TOUCH_HERE] = { "touch here", 6, FILE_PATH, NUMBER, .bound = 1600000000,
                          .run = local_touch, .words = "the user sets the time of @a" },
    [STEP_REMOVE] = { "remove here", 24, PATH, .run = local_remove_one,
                      .words = "the user removes @a" },
    [STEP_RENAME_HERE] = { "rename here", 30, PATH, FOLDER_PATH, NAME, NUMBER, .bound = 5,
                           .run = local_rename_one,
                           .words = "the user renames @a to \"$n\" in @b (as $d)" },
    [STEP_PUSH] = { "push", 4, PATH, NUMBER, .bound = 3, .run = local_push,
                    .words = "the user wants @a to be sent now ($b)" },
    [STEP_READ] = { "read", 30, .run = local_read, .words = "what is to be sent is read" },
    [STEP_FILL_IN] = { "fill in", 6, .run = local_fill,
                       .words = "what is to be sent is whole now" },

    [STEP_TURN] = { "turn", 60, .run = time_turn, .words = "a turn" },
    [STEP_WAIT] = { "wait", 8, NUMBER, .bound = STEP_LAG_MAX_MS, .run = time_wait,
                    .words = "$a ms pass" },
    [STEP_NEXT] = { "next", 16, .run = time_next, .words = "time passes until the next timer" },
    [STEP_RUN] = { "run", 14, NUMBER, .bound = 2 * STEP_LAG_MAX_MS, .run = time_run,
                   .words = "all goes on for $a ms, each answer at once" },
    [STEP_CALM] = { "calm", 1, .run = time_calm,
                    .words = "all goes on until nothing lags, and is compared" },

    [STEP_KILL] = { "kill", 4, .run = death_kill, .words = "graphfs is killed, and started" },
    [STEP_KILL_LATER] = { "kill later", 6, NUMBER, .bound = 60, .run = death_kill_later,
                          .words = "graphfs will be killed before its write number $a" },
    [STEP_CUT_POWER] = { "cut power", 1, .run = death_cut_power,
                         .words = "the power is cut; all starts again" },
    [STEP_CUT_POWER_LATER] = { "cut power later", 1, NUMBER, .bound = 60,
                               .run = death_cut_power_later,
                               .words = "the power will be cut before write number $a" },
};

const char *step_name(enum step_kind kind)
{
    return step_types[kind].name;
}

bool step_run(struct world *world, const struct step *step)
{
    uint64_t random = world->model->random;

    world->model->random = step->seed;
    if (!step_types[step->kind].run(world, step)) {
        world->model->random = random; /* as if it had been left out */
        return false;
    }
    world->tally->steps[step->kind]++;
    return true;
}

/* ---- words ---- */

static void add_item(struct strbuf *text, unsigned number)
{
    if (number == WORLD_OWN)
        (void)strbuf_addstr(text, "the drive");
    else if (number == WORLD_SHARED)
        (void)strbuf_addstr(text, "the shared drive");
    else
        (void)strbuf_addf(text, "#%u", number);
}

static void add_path(struct strbuf *text, unsigned path)
{
    if (path == 0)
        (void)strbuf_addch(text, '/');
    for (; path > 0; path /= STEP_PATH_BASE) {
        unsigned digit = path % STEP_PATH_BASE;

        (void)strbuf_addf(text, "/%s", digit > 0 ? step_names[digit - 1] : "?");
    }
}

char *step_tell(const struct step *step)
{
    struct strbuf text;
    const char *words = step_types[step->kind].words;

    strbuf_init(&text, 1000);
    for (; *words; words++) {
        unsigned operands[] = { step->a, step->b, step->c, step->d };
        char mark = *words;

        if (mark != '#' && mark != '$' && mark != '@') {
            (void)strbuf_addch(&text, *words);
            continue;
        }
        words++;
        if (*words == 'n')
            (void)strbuf_addstr(&text, step_names[step->c]);
        else if (mark == '@')
            add_path(&text, operands[*words - 'a']);
        else if (mark == '#')
            add_item(&text, operands[*words - 'a']);
        else
            (void)strbuf_addf(&text, "%u", operands[*words - 'a']);
    }
    return strbuf_steal(&text);
}
