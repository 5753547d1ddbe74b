// libopus, and its settings as functions: Swift calls no C function with a variable number of arguments.
#pragma once
#include <opus.h>

/// Constant bitrate without DTX: packets of one size, the same for the same sound. Returns an OPUS_… code.
static inline int copus_set_up(OpusEncoder *encoder, int bits_per_second, int complexity) {
    int code = opus_encoder_ctl(encoder, OPUS_SET_VBR(0));
    if (code == OPUS_OK) code = opus_encoder_ctl(encoder, OPUS_SET_DTX(0));
    if (code == OPUS_OK) code = opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(0));
    if (code == OPUS_OK) code = opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    if (code == OPUS_OK) code = opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(complexity));
    if (code == OPUS_OK) code = opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bits_per_second));
    return code;
}

/// Forgets all sound; settings stay.
static inline int copus_reset_encoder(OpusEncoder *encoder) {
    return opus_encoder_ctl(encoder, OPUS_RESET_STATE);
}

/// Forgets all sound.
static inline int copus_reset_decoder(OpusDecoder *decoder) {
    return opus_decoder_ctl(decoder, OPUS_RESET_STATE);
}
