// GNU libmicrohttpd 0.9.75: the desk's HTTP/1.1 server. Variadic calls get inline shims here.
#pragma once
#include <microhttpd.h>
