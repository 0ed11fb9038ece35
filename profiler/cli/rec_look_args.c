/* rec_look_args.c: the options that say when and how the memory of programs is looked at. */
#include "rec_args.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* One word of a list that ends where the word does. */
static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

/* "exit,mark": when. */
bool cli_look_when(const char *text, unsigned *ret)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = { { "exit", REC_LOOK_EXIT },
                  { "mark", REC_LOOK_MARK },
                  { "scope", REC_LOOK_SCOPE },
                  { "request", 0 },
                  { "none", 0 } };
    unsigned looks = 0;
    bool none = false, some = false;
    for (;; text++) {
        size_t length = strcspn(text, ","), i = 0;
        while (i < sizeof words / sizeof *words && !is_word(text, length, words[i].word))
            i++;
        if (i == sizeof words / sizeof *words)
            return false;
        looks |= words[i].bit;
        none |= strcmp(words[i].word, "none") == 0;
        some |= strcmp(words[i].word, "none") != 0;
        text += length;
        if (*text == '\0')
            break;
    }
    if (none && some)
        return false;
    *ret = looks;
    return true;
}

/* One number of a decoding, up to the next ':'. */
static bool take_number(const char **text, uint64_t *ret)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    *ret = strtoull(*text, &end, 0);
    *text = end;
    return true;
}

/* "base=0x7f0000000000:shift=3:bits=32". */
static bool parse_pointer(const char *text, struct rec_pointer *ret)
{
    struct rec_pointer pointer = { .mask = UINT64_MAX, .bits = 64 };
    for (;; text++) {
        size_t key = strcspn(text, "=");
        const char *value = text + key + (text[key] == '=');
        uint64_t number;
        if (text[key] != '=' || !take_number(&value, &number) || (*value != '\0' && *value != ':'))
            return false;
        if (is_word(text, key, "mask"))
            pointer.mask = number;
        else if (is_word(text, key, "xor"))
            pointer.xor_ = number;
        else if (is_word(text, key, "base"))
            pointer.base = number;
        else if (is_word(text, key, "shift") && number < 64)
            pointer.shift = (unsigned)number;
        else if (is_word(text, key, "bits") && number > 0 && number <= 64)
            pointer.bits = (unsigned)number;
        else
            return false;
        text = value;
        if (*text == '\0')
            break;
    }
    *ret = pointer;
    return true;
}

bool cli_look_options(const struct cli_command *command, const struct cli_record *args, struct rec_options *ret)
{
    static struct rec_pointer pointers[REC_POINTERS_MAX]; /* one recording per process */
    if (args->checkpoint != NULL && !cli_look_when(args->checkpoint, &ret->looks)) {
        cli_usage(command, "--checkpoint takes exit, mark, scope and request joined by ',', or none, not '%s'",
                  args->checkpoint);
        return false;
    }
    ret->no_memory |= args->no_memory;
    if (args->no_memory &&
        (args->checkpoint != NULL || args->pointers.count > 0 || args->unaligned || args->pause != 0)) {
        cli_usage(command, "--no-memory: nothing is read, so --checkpoint, --pause, --unaligned and --pointer mean "
                           "nothing");
        return false;
    }
    if (args->pause != 0)
        ret->pause_us = args->pause;
    if (args->pointers.count > REC_POINTERS_MAX) {
        cli_usage(command, "--pointer can be given %d times", REC_POINTERS_MAX);
        return false;
    }
    for (size_t i = 0; i < args->pointers.count; i++) {
        if (!parse_pointer(args->pointers.items[i], &pointers[i])) {
            cli_usage(command,
                      "--pointer takes mask=, xor=, base=, shift= and bits= with numbers, joined by ':', as in "
                      "base=0x7f0000000000:shift=3:bits=32, not '%s'",
                      args->pointers.items[i]);
            return false;
        }
        /* Two of them can stand in one word. */
        if (pointers[i].bits <= 32)
            ret->word_step = 4;
    }
    ret->pointers = pointers;
    ret->pointer_texts = args->pointers.items;
    ret->pointer_count = (unsigned)args->pointers.count;
    if (args->unaligned)
        ret->word_step = 1;
    return true;
}
