/* Timers that call this plugin. */
#include "border.h"

static holdline_error_t refused(holdline_websocket_timers_timer_error_t *error) {
    holdline_error_t refusal = outcome(false, TIMER, error->tag);
    return refusal == HOLDLINE_TIMER_INVALID_SCHEDULE
        ? holdline_detail(refusal, text_from_wire(error->val.invalid_schedule))
        : refusal;
}

static holdline_error_t set(
    holdline_websocket_timers_schedule_t schedule, const void *payload, size_t size, holdline_missed_t missed,
    holdline_timer_id_t *timer) {
    wire_list_u8_t wire = bytes_to_wire(payload, size);
    holdline_websocket_timers_timer_id_t id = 0;
    holdline_websocket_timers_timer_error_t error;
    bool done = holdline_websocket_timers_set(
        &schedule, &wire, (holdline_websocket_timers_missed_t)missed, &id, &error);
    if (timer != NULL) {
        *timer = id;
    }
    return done ? HOLDLINE_OK : refused(&error);
}

_Static_assert(
    HOLDLINE_MISSED_SKIP == HOLDLINE_WEBSOCKET_TIMERS_MISSED_SKIP
        && HOLDLINE_MISSED_BURST == HOLDLINE_WEBSOCKET_TIMERS_MISSED_BURST
        && HOLDLINE_MISSED_COALESCE == HOLDLINE_WEBSOCKET_TIMERS_MISSED_COALESCE,
    "missed runs are those of the contract");

holdline_error_t holdline_timers_after(
    uint64_t delay_ms, const void *payload, size_t size, holdline_timer_id_t *timer) {
    holdline_websocket_timers_schedule_t schedule = {
        .tag = HOLDLINE_WEBSOCKET_TIMERS_SCHEDULE_AFTER, .val.after = delay_ms};
    return set(schedule, payload, size, HOLDLINE_MISSED_SKIP, timer);
}

holdline_error_t holdline_timers_at(uint64_t unix_ms, const void *payload, size_t size, holdline_timer_id_t *timer) {
    holdline_websocket_timers_schedule_t schedule = {
        .tag = HOLDLINE_WEBSOCKET_TIMERS_SCHEDULE_AT, .val.at = unix_ms};
    return set(schedule, payload, size, HOLDLINE_MISSED_SKIP, timer);
}

holdline_error_t holdline_timers_every(
    uint64_t interval_ms, const void *payload, size_t size, holdline_missed_t missed, holdline_timer_id_t *timer) {
    holdline_websocket_timers_schedule_t schedule = {
        .tag = HOLDLINE_WEBSOCKET_TIMERS_SCHEDULE_EVERY, .val.every = interval_ms};
    return set(schedule, payload, size, missed, timer);
}

holdline_error_t holdline_timers_cron(
    const char *expression, const char *time_zone, const void *payload, size_t size, holdline_missed_t missed,
    holdline_timer_id_t *timer) {
    holdline_websocket_timers_schedule_t schedule = {
        .tag = HOLDLINE_WEBSOCKET_TIMERS_SCHEDULE_CRON, .val.cron.expression = text_to_wire(expression)};
    schedule.val.cron.time_zone.is_some = time_zone != NULL;
    if (time_zone != NULL) {
        schedule.val.cron.time_zone.val = text_to_wire(time_zone);
    }
    return set(schedule, payload, size, missed, timer);
}

holdline_error_t holdline_timers_cancel(holdline_timer_id_t timer) {
    holdline_websocket_timers_timer_error_t error;
    return holdline_websocket_timers_cancel(timer, &error) ? HOLDLINE_OK : refused(&error);
}

holdline_timer_info_t *holdline_timers_list(size_t *count) {
    holdline_websocket_timers_list_timer_info_t wire;
    holdline_websocket_timers_list(&wire);
    size_t size = wire.len * sizeof(holdline_timer_info_t);
    for (size_t i = 0; i < wire.len; i++) {
        size += wire.ptr[i].payload.len + 1;
    }
    holdline_timer_info_t *timers = holdline_allocate(size);
    char *end = (char *)(timers + wire.len);
    for (size_t i = 0; i < wire.len; i++) {
        size_t with_zero = wire.ptr[i].payload.len + 1;
        timers[i].id = wire.ptr[i].id;
        timers[i].next_ms = wire.ptr[i].next_ms;
        timers[i].payload = memcpy(end, wire.ptr[i].payload.ptr, with_zero);
        timers[i].payload_size = wire.ptr[i].payload.len;
        end += with_zero;
        free(wire.ptr[i].payload.ptr);
    }
    free(wire.ptr);
    *count = wire.len;
    return timers;
}

void holdline_timers_sleep(uint64_t delay_ms) {
    holdline_websocket_timers_sleep(delay_ms);
}
