/* SPDX-License-Identifier: MIT */
/* Operands are drawn from what is there at that moment, so that most steps can do something. */
#include "config.h"

#include "dice.h"

#include <string.h>

#include "numbers.h"
#include "step_i.h"

#define FIRST_STEPS 20 /* those that set the service up, and make what is there at first */
#define DRAWS_MAX   20

static unsigned roll(struct dice *dice, unsigned bound)
{
    dice->state = dice->state * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(dice->state >> 33) % bound;
}

/* ---- items ---- */

typedef bool item_filter(const struct world *world, unsigned number);

/* Often the same one as before: what happens to one item in a row is what gets mixed up. */
static unsigned pick(struct dice *dice, const struct world *world, item_filter *filter)
{
    if (dice->last != 0 && roll(dice, 2) && filter(world, dice->last))
        return dice->last;
    for (int i = 0; i < DRAWS_MAX; i++) {
        unsigned number = roll(dice, world->next_item + world->uploads);

        if (number >= world->next_item)
            number += WORLD_UPLOADS - world->next_item;
        if (!filter(world, number))
            continue;
        dice->last = number;
        return number;
    }
    return 0;
}

/* A folder of the same drive for what is to be moved. */
static unsigned pick_target(struct dice *dice, const struct world *world, unsigned number)
{
    return pick(dice, world,
                number_is_live(world, number) && !number_is_own(world, number)
                    ? number_is_shared_folder
                    : number_is_own_folder);
}

/* Puts the place of an item that is there into the step. */
static void draw_place(struct dice *dice, const struct world *world, struct step *step)
{
    unsigned number = pick(dice, world, number_is_movable);
    const struct fake_version *truth = fake_truth(world->model, world->items[number]);

    for (unsigned i = 0; i < STEP_NAMES; i++) {
        if (strcmp(step_names[i], truth->name) == 0) {
            step->a = number_find(world, truth->parent);
            step->c = i;
        }
    }
}

/* ---- paths ---- */

/* One of the children of a folder here, of those that have a name that steps know. */
struct path_draw {
    struct dice *dice;
    unsigned seen;
    struct node_attr attr;
    unsigned digit;
};

static unsigned digit_of(const char *name)
{
    for (unsigned i = 0; i < STEP_NAMES; i++) {
        if (strcmp(step_names[i], name) == 0)
            return i + 1;
    }
    return 0;
}

static bool draw_child(const struct node_attr *attr, const char *name, void *arg)
{
    struct path_draw *draw = arg;

    if (digit_of(name) == 0 || roll(draw->dice, ++draw->seen) != 0)
        return true;
    draw->attr = *attr;
    draw->digit = digit_of(name);
    return true;
}

static bool is_wanted(enum operand operand, const struct node_attr *attr)
{
    return operand == PATH ||
           (operand == FILE_PATH ? attr->kind == NODE_FILE : attr->kind == NODE_FOLDER);
}

/* Goes down from the drive, and stops somewhere. */
static unsigned walk(struct dice *dice, struct world *world, enum operand operand)
{
    struct path_draw draw = { .dice = dice };
    unsigned path = 0, weight = 1, found = 0;

    draw.attr.ino = world_root(world);
    for (int depth = 0; depth < STEP_PATH_DEPTH; depth++) {
        draw.seen = draw.digit = 0;
        (void)store_list(world->store, draw.attr.ino, 0, draw_child, &draw);
        if (draw.digit == 0)
            break;
        path += draw.digit * weight;
        weight *= STEP_PATH_BASE;
        if (is_wanted(operand, &draw.attr))
            found = path;
        if (draw.attr.kind != NODE_FOLDER || (found != 0 && roll(dice, 3) == 0))
            break;
    }
    return found;
}

static unsigned pick_path(struct dice *dice, struct world *world, enum operand operand)
{
    if (!world->is_writable)
        return 0;
    if (operand == FOLDER_PATH && roll(dice, 3) == 0)
        return 0;
    if (operand != FOLDER_PATH && dice->last_path != 0 && roll(dice, 2))
        return dice->last_path;
    for (int i = 0; i < DRAWS_MAX / 4; i++) {
        unsigned path = walk(dice, world, operand);

        if (path == 0)
            continue;
        if (operand != FOLDER_PATH)
            dice->last_path = path;
        return path;
    }
    return 0;
}

/* ---- steps ---- */

/* What is tried only where users here change things, or only where they don't: other drives have
 * no delta, and in an account that is moved what is to be sent can't be told from what is new. */
bool dice_draws(enum step_kind kind, bool writes)
{
    bool is_change = kind >= STEP_MAKE_FILE && kind <= STEP_FILL_IN;

    switch (kind) {
    case STEP_MOVE_ETAGS:
        return false; /* uploads over such an item don't end */
    case STEP_WRONG_412:
    case STEP_REWRITE:
    case STEP_WRITABLE:
    case STEP_RETAG:
    case STEP_LOSE_SESSIONS:
        return writes;
    case STEP_SHORTCUT:
    case STEP_FOLLOW:
    case STEP_MIGRATE:
    case STEP_MIGRATE_DRIVE:
        return !writes;
    default:
        return !is_change || writes;
    }
}

void dice_init(struct dice *dice, uint64_t seed)
{
    static const unsigned factors[] = { 0, 1, 1, 2 };

    *dice = (struct dice){
        .state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1,
        .writes = seed >= DICE_WRITING,
    };
    for (size_t i = 0; i < STEP_KINDS; i++) {
        bool is_needed = i == STEP_TURN || i == STEP_DELIVER || i == STEP_RUN;
        size_t factor = roll(dice, sizeof factors / sizeof *factors);

        dice->weights[i] = step_types[i].weight * (is_needed ? 1 : factors[factor]);
        if (!dice_draws((enum step_kind)i, dice->writes))
            dice->weights[i] = 0;
    }
}

static enum step_kind draw_kind(struct dice *dice, const struct world *world)
{
    unsigned total = 0, drawn;

    /* An account that is moved in calm must lose nothing. */
    if (world->is_calm && !dice->writes && !world->moved_calmly && roll(dice, 4) == 0)
        return roll(dice, 2) ? STEP_MIGRATE : STEP_MIGRATE_DRIVE;
    if (world->is_calm && world->moved_calmly && roll(dice, 4) == 0)
        return STEP_CALM;
    for (size_t i = 0; i < STEP_KINDS; i++)
        total += dice->weights[i];
    drawn = roll(dice, total);
    for (size_t i = 0; i < STEP_KINDS; i++) {
        if (drawn < dice->weights[i])
            return (enum step_kind)i;
        drawn -= dice->weights[i];
    }
    return STEP_TURN;
}

static unsigned draw(struct dice *dice, struct world *world, enum operand operand, unsigned bound)
{
    switch (operand) {
    case NOTHING:
        return 0;
    case ITEM:
        return pick(dice, world, number_is_live);
    case NEW_ITEM:
        return world->next_item;
    case FOLDER:
        return pick(dice, world,
                    dice->writes || roll(dice, 4) ? number_is_own_folder : number_is_shared_folder);
    case OWN_FOLDER:
        return pick(dice, world, number_is_own_folder);
    case FILE_ITEM:
        return pick(dice, world, number_is_file);
    case MOVABLE:
        return pick(dice, world, number_is_movable);
    case DELETED:
        return pick(dice, world, number_is_deleted);
    case SHORTCUT:
        return pick(dice, world, number_is_shortcut);
    case SHARED:
        return pick(dice, world, number_is_shared);
    case PATH:
    case FILE_PATH:
    case FOLDER_PATH:
        return pick_path(dice, world, operand);
    case NAME:
        return roll(dice, STEP_NAMES);
    case NUMBER:
        return 1 + roll(dice, bound);
    }
    return 0;
}

static enum step_kind draw_first_kind(struct dice *dice, size_t number)
{
    enum step_kind setting = (enum step_kind)(STEP_LAG + number);

    if (dice->writes && number == 0)
        return STEP_WRITABLE;
    if (dice->writes)
        setting--;
    if (setting < STEP_WRITABLE && dice_draws(setting, dice->writes) && roll(dice, 4) > 0)
        return setting;
    if (setting > STEP_WRONG_412 && !dice->writes && roll(dice, 12) == 0)
        return STEP_SHORTCUT;
    return roll(dice, 2) ? STEP_CREATE_FILE : STEP_CREATE_FOLDER;
}

struct step dice_draw_step(struct dice *dice, struct world *world, size_t number)
{
    enum step_kind kind =
        number < FIRST_STEPS ? draw_first_kind(dice, number) : draw_kind(dice, world);
    const struct step_type *type = &step_types[kind];
    struct step step = { .kind = kind };

    step.a = draw(dice, world, type->a, type->bound);
    step.b = draw(dice, world, type->b, type->bound);
    step.c = draw(dice, world, type->c, type->bound);
    step.d = draw(dice, world, type->d, type->bound);
    if ((kind == STEP_LOOK_UP || kind == STEP_LIST) && roll(dice, 4))
        draw_place(dice, world, &step);
    if (kind == STEP_MOVE)
        step.b = pick_target(dice, world, step.a);
    step.seed = roll(dice, 1u << 30);
    return step;
}
