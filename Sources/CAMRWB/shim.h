// AMR-WB: OpenCORE's decoder and VisualOn's encoder.
#pragma once
#include <opencore-amrwb/dec_if.h>
#include <vo-amrwbenc/enc_if.h>
