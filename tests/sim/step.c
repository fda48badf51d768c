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

    [STEP_LIST] = { "list", 30, ITEM, .run = user_list, .words = "the user lists #a" },
    [STEP_LOOK_UP] = { "look up", 12, ITEM, .c = NAME, .run = user_look_up,
                       .words = "the user looks for \"$n\" in #a" },
    [STEP_FOLLOW] = { "follow", 6, SHORTCUT, .run = user_follow, .words = "the user opens #a" },
    [STEP_PULL] = { "pull", 3, .run = user_pull, .words = "the user wants all changes now" },
    [STEP_USE] = { "use", 4, .run = user_use, .words = "the user uses the mount" },
    [STEP_CONFIRM] = { "confirm", 1, .run = user_confirm,
                       .words = "the user lets held removals go" },
    [STEP_WAKE] = { "wake", 2, .run = user_wake, .words = "the network is there again" },

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

char *step_tell(const struct step *step)
{
    struct strbuf text;
    const char *words = step_types[step->kind].words;

    strbuf_init(&text, 1000);
    for (; *words; words++) {
        unsigned operands[] = { step->a, step->b, step->c, step->d };
        bool is_item = *words == '#';

        if (!is_item && *words != '$') {
            (void)strbuf_addch(&text, *words);
            continue;
        }
        words++;
        if (*words == 'n')
            (void)strbuf_addstr(&text, step_names[step->c]);
        else if (is_item)
            add_item(&text, operands[*words - 'a']);
        else
            (void)strbuf_addf(&text, "%u", operands[*words - 'a']);
    }
    return strbuf_steal(&text);
}
