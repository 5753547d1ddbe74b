// libmp3lame 3.100: the MP3 encoder.
#pragma once
#include <lame/lame.h>
