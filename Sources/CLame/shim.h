// libmp3lame 3.100: the MP3 encoder; mallopt, for the sake of its memory.
#pragma once
#include <lame/lame.h>
#include <malloc.h>
