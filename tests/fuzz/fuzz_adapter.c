/* fuzz_adapter.c: arbitrary bytes as an adapter; what is understood is spelled again, and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prof/adapter.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds)
        __builtin_trap();
}

static void one_line(void *data, struct prof_error *error)
{
    ++*(unsigned *)data;
    require(error->message != NULL && strchr(error->message, '\n') == NULL);
    prof_error_destroy(error);
}

/* A place that is spelled and read again is the same. */
static void spell(const struct trk_hook_place *place)
{
    char word[PROF_ADAPTER_WORD], text[PROF_ADAPTER_LINE];
    struct prof_adapter *again;
    require(place->reads <= TRK_HOOK_READS);
    prof_adapter_place(word, sizeof word, place);
    int length = snprintf(text, sizeof text, "adapter a\nlibrary l\ntype t\nref f %s\n", word);
    require(prof_adapter_parse("spelled", text, (size_t)length, NULL, NULL, &again) == NULL);
    require(again->rule_count == 1 && again->rules[0].object.base == place->base &&
            again->rules[0].object.reads == place->reads &&
            memcmp(again->rules[0].object.add, place->add, sizeof place->add) == 0);
    prof_adapter_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prof_adapter *adapter = NULL;
    unsigned bad = 0;
    struct prof_error *error = prof_adapter_parse("fuzz", (const char *)data, size, one_line, &bad, &adapter);
    require((error == NULL) == (adapter != NULL) && (error != NULL || bad == 0));
    prof_error_destroy(error);
    for (size_t i = 0; adapter != NULL && i < adapter->rule_count; i++) {
        const struct prof_adapter_rule *rule = &adapter->rules[i];
        require(rule->type < adapter->type_count);
        spell(&rule->object);
        free(prof_adapter_words(rule));
        free(prof_adapter_type_words(&adapter->types[rule->type]));
    }
    prof_adapter_destroy(adapter);
    return 0;
}
