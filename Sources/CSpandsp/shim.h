// spandsp: G.722 alone. The library's whole header wants libtiff's, which nothing here needs.
#pragma once
#include <stdint.h>
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
