// wslay 1.1.1: WebSocket framing (RFC 6455), server and client.
#pragma once
#include <wslay/wslay.h>
