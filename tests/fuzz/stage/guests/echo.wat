;; Sends every message back, and traps if it cannot though the client is there: so nothing is lost unseen.
(module
  (import "holdline:websocket/requests@0.1.0" "send-web-socket"
    (func $send (param i64 i32 i32 i32 i32)))
  (memory (export "memory") 40)
  ;; What the host gives begins here; below it are results.
  (global $top (mut i32) (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  ;; `ok`.
  (func $done (result i32)
    (global.set $top (i32.const 1024))
    (i32.store8 (i32.const 0) (i32.const 0))
    (i32.const 0))
  (func (export "holdline:websocket/handler@0.1.0#on-open") (param i64) (result i32)
    (call $done))
  (func (export "holdline:websocket/handler@0.1.0#on-message")
    (param $request i64) (param $kind i32) (param $at i32) (param $length i32) (result i32)
    (call $send (local.get $request) (local.get $kind) (local.get $at) (local.get $length) (i32.const 16))
    ;; Of the errors, 1 is `closed`.
    (if (i32.and (i32.load8_u (i32.const 16)) (i32.ne (i32.load8_u (i32.const 17)) (i32.const 1))) (then unreachable))
    (call $done))
  (func (export "holdline:websocket/handler@0.1.0#on-close")
    (param i64 i32 i32 i32 i32 i32) (result i32)
    (call $done)))
