// speexdsp: the streaming resampler.
#pragma once
#include <speex/speex_resampler.h>
