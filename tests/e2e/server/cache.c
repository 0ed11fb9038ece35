/* cache.c: see server.h. */
#include "server.h"

#include <stdio.h>
#include <string.h>

static struct obj *bucket[CACHE_BUCKETS]; /* lists; counted */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void end(struct obj *obj)
{
    obj_unref(((struct entry *)obj)->owner);
}

static const struct obj_class entry_class = { "entry", sizeof(struct entry), end };

static struct obj **bucket_of(const char *key)
{
    unsigned hash = 5381;
    for (; *key != '\0'; key++)
        hash = hash * 33 + (unsigned char)*key;
    return &bucket[hash % CACHE_BUCKETS];
}

void cache_set(const char *key, const char *value, struct session *owner)
{
    struct entry *entry = obj_new(&entry_class), *old = NULL;
    struct obj **at = bucket_of(key);
    snprintf(entry->key, sizeof entry->key, "%s", key);
    snprintf(entry->value, sizeof entry->value, "%s", value);
    entry->owner = obj_ref(owner);
    pthread_mutex_lock(&lock);
    while (*at != NULL && strcmp(((struct entry *)*at)->key, key) != 0)
        at = &(*at)->next;
    if (*at != NULL) {
        old = (struct entry *)*at;
        entry->obj.next = old->obj.next;
    }
    *at = &entry->obj;
    pthread_mutex_unlock(&lock);
    obj_unref(old);
}

struct entry *cache_get(const char *key)
{
    struct entry *found = NULL;
    pthread_mutex_lock(&lock);
    for (struct obj *at = *bucket_of(key); at != NULL && found == NULL; at = at->next)
        if (strcmp(((struct entry *)at)->key, key) == 0)
            found = obj_ref(at);
    pthread_mutex_unlock(&lock);
    return found;
}

void cache_forget(const struct session *owner)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < CACHE_BUCKETS; i++)
        for (struct obj *at = bucket[i]; at != NULL; at = at->next) {
            struct entry *entry = (struct entry *)at;
            if (entry->owner == owner) {
                obj_unref(entry->owner);
                entry->owner = NULL;
            }
        }
    pthread_mutex_unlock(&lock);
}

void cache_clear(void)
{
    for (int i = 0; i < CACHE_BUCKETS; i++)
        while (bucket[i] != NULL) {
            struct obj *entry = bucket[i];
            bucket[i] = entry->next;
            obj_unref(entry);
        }
}
