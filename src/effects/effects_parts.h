/*
 * effects/effects_parts.h - what the files of this folder share. Not for
 * others.
 */
#ifndef EFFECTS_EFFECTS_PARTS_H
#define EFFECTS_EFFECTS_PARTS_H

#include "effects/effects.h"

enum {
    BODY_MAX_BYTES = 5 * 1024 * 1024,
    HTTP_TIMEOUT_MS = 30000,
    WEBHOOK_TIMEOUT_MS = 15000,
    SMTP_TIMEOUT_MS = 60000,
    ANSWER_MAX_BYTES = 64 * 1024,
};

typedef enum status effect_plan_fn(struct arena *a,
                                   const struct effect_settings *s,
                                   const struct effect_input *in,
                                   struct effect_plan *out, struct error *err);
effect_plan_fn email_plan;   /* effect_email.c */
effect_plan_fn webhook_plan; /* effect_webhook.c */
effect_plan_fn track_plan;   /* effect_track.c */

/* What a connection that is no plain webhook gets; `text` NULL: a summary. */
CHECKED enum status connection_plan(struct arena *a,
                                    const struct effect_input *in,
                                    const char *text, struct effect_plan *out,
                                    struct error *err);

/* A POST of JSON; `body` is taken over into the arena. The caller adds
 * headers with call_header(). */
CHECKED enum status call_post(struct arena *a, struct effect_plan *out,
                              const char *url, const struct buf *body,
                              struct error *err);
void call_header(struct effect_plan *out, const char *name, const char *value);
/* E-mail of the subject, as far as the payload tells, or NULL. */
const char *subject_email(const struct effect_input *in);

#endif
