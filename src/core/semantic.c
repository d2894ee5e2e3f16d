#include "core/semantic.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    TEXT_MAX_BYTES = 8192,
    WORDS_MAX = 1500,
    WORD_MAX_BYTES = 48,
    NAMED_MAX = 8,      /* words that the reason tells */
    NEGATION_REACH = 3, /* words between a negation and what it negates */
};
static const double confidence_max = 0.95;

/* Words that say how something is told, not what. */
static const char *const frame[] = {
    "a",        "about",   "account",  "all",          "also",
    "an",       "and",     "any",      "are",          "as",
    "at",       "be",      "because",  "been",         "but",
    "by",       "can",     "cancel",   "cancellation", "client",
    "complain", "could",   "customer", "did",          "do",
    "does",     "for",     "from",     "get",          "give",
    "had",      "has",     "have",     "he",           "her",
    "his",      "how",     "i",        "if",           "in",
    "is",       "it",      "its",      "just",         "leave",
    "left",     "like",    "me",       "mean",         "mention",
    "my",       "of",      "on",       "or",           "our",
    "person",   "product", "reason",   "say",          "said",
    "she",      "so",      "some",     "subject",      "that",
    "the",      "their",   "them",     "there",        "they",
    "thi",      "this",    "to",       "too",          "user",
    "very",     "wa",      "want",     "was",          "we",
    "were",     "what",    "when",     "which",        "who",
    "why",      "will",    "with",     "would",        "you",
    "your",     NULL};

static const char *const negations[] = {
    "no",   "not",    "never", "none",  "nothing", "without", "isnt",
    "dont", "doesnt", "didnt", "wasnt", "cant",    "wont",    NULL};

/* Words of one line stand for the first of it. */
static const char *const groups[][16] = {
    {"price", "expensive", "cost", "costly", "budget", "afford", "money",
     "pricey", "cheaper", "cheap", "pay", "fee", NULL},
    {"bug", "buggy", "crash", "broken", "error", "fail", "failure", "glitch",
     "unstable", "defect", NULL},
    {"slow", "lag", "laggy", "performance", "speed", "latency", NULL},
    {"feature", "functionality", "integration", "capability", NULL},
    {"missing", "lack", "need", "absent", "unavailable", NULL},
    {"competitor", "alternative", "switch", "move", "rival", NULL},
    {"confusing", "complicated", "difficult", "hard", "complex", "unclear",
     NULL},
    {"support", "help", "helpdesk", "service", NULL},
    {"unused", "busy", "time", "seldom", "rarely", NULL},
    {"happy", "love", "great", "satisfied", "pleased", "good", NULL},
    {"angry", "unhappy", "frustrated", "disappointed", "annoyed", "upset",
     NULL},
};

struct words {
    char items[WORDS_MAX][WORD_MAX_BYTES];
    bool negated[WORDS_MAX];
    size_t n;
};

static bool
listed(const char *const *list, const char *word)
{
    while (*list && strcmp(*list, word) != 0)
        list++;
    return *list != NULL;
}

static void
cut(char *word, const char *suffix, size_t least)
{
    size_t n = strlen(word), k = strlen(suffix);

    if (n >= least + k && strcmp(word + n - k, suffix) == 0)
        word[n - k] = '\0';
}

/* Rough, and the same for both sides: that is all a comparison needs. */
static void
stem(char *word)
{
    cut(word, "ing", 4);
    cut(word, "ed", 4);
    cut(word, "es", 4);
    cut(word, "s", 3);
    cut(word, "e", 3);
}

static void
set_word(char to[WORD_MAX_BYTES], const char *from)
{
    (void)snprintf(to, WORD_MAX_BYTES, "%s", from);
}

/* The first word of its group, so that two of one group are equal. */
static void concept(char word[WORD_MAX_BYTES])
{
    char other[WORD_MAX_BYTES];

    stem(word);
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
        for (size_t i = 0; groups[g][i]; i++) {
            set_word(other, groups[g][i]);
            stem(other);
            if (strcmp(word, other) == 0) {
                set_word(word, groups[g][0]);
                return;
            }
        }
    }
}

static bool
is_letter(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || c == '\'';
}

/* Takes the letters at `text` in lower case; returns what is behind them. */
static const char *
read_word(const char *text, const char *end, char out[WORD_MAX_BYTES])
{
    size_t n = 0;

    for (; text < end && is_letter(*text); text++)
        if (n + 1 < WORD_MAX_BYTES && *text != '\'')
            out[n++] = (char)tolower((unsigned char)*text);
    out[n] = '\0';
    return text;
}

/* Keeps the word unless it tells how, not what. */
static void
keep_word(struct words *out, bool negated)
{
    char *word = out->items[out->n];

    if (!*word || listed(frame, word))
        return;
    concept(word);
    out->negated[out->n] = negated;
    out->n += !listed(frame, word);
}

static void
read_words(const char *text, struct words *out)
{
    const char *end = text + strnlen(text, TEXT_MAX_BYTES);
    int negated = 0;

    out->n = 0;
    while (text < end && out->n < WORDS_MAX) {
        if (!is_letter(*text)) {
            if (strchr(".;!?\n", *text))
                negated = 0; /* a negation ends with its clause */
            text++;
            continue;
        }
        text = read_word(text, end, out->items[out->n]);
        if (listed(negations, out->items[out->n])) {
            negated = NEGATION_REACH;
            continue;
        }
        keep_word(out, negated > 0);
        negated -= negated > 0;
    }
}

static bool
found(const struct words *list, const char *word, bool negated)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->negated[i] == negated && strcmp(list->items[i], word) == 0)
            return true;
    return false;
}

enum status
semantic_score(struct arena *a, const char *intent, const char *text,
               struct meaning *out, struct error *err)
{
    struct words *want = arena_alloc(a, sizeof(*want));
    struct words *have = arena_alloc(a, sizeof(*have));
    size_t all = 0, met = 0;
    const char *names = "";

    if (!want || !have)
        return fail(err, E_NOMEM, "match");
    read_words(intent, want);
    read_words(text, have);
    for (size_t i = 0; names && i < want->n; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen = seen || strcmp(want->items[k], want->items[i]) == 0;
        if (seen)
            continue;
        all++;
        if (!found(have, want->items[i], want->negated[i]))
            continue;
        if (met++ >= NAMED_MAX)
            continue;
        names = arena_printf(a, "%s%s%s", names, *names ? ", " : "",
                             want->items[i]);
    }
    out->score = all ? confidence_max * (double)met / (double)all : 0;
    out->reason = names ? arena_printf(a, "%s%s%zu of %zu words", names,
                                       *names ? ": " : "", met, all)
                        : NULL;
    return out->reason ? OK : fail(err, E_NOMEM, "match");
}
