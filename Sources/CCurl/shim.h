// libcurl 7.88: requests to other people's HTTP services. Variadic calls get inline shims here.
#pragma once
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdlib.h>

/// Makes libcurl ready, once before anything else. 0, or a CURLcode. The keys of its connections are written nowhere,
/// whatever the environment asks for.
static inline int teeline_curl_start(void) {
    unsetenv("SSLKEYLOGFILE");
    return (int)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/// Sets an option that is a number; 1 when it took.
static inline int teeline_curl_set_number(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

/// Sets an option that is a text, which libcurl copies; 1 when it took.
static inline int teeline_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

/// Sets the body, which libcurl copies; 1 when it took.
static inline int teeline_curl_set_body(CURL *easy, const void *bytes, size_t count) {
    return curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, count ? bytes : "") == CURLE_OK;
}

/// Sets the header fields, which have to live as long as `easy`; 1 when it took.
static inline int teeline_curl_set_fields(CURL *easy, struct curl_slist *fields) {
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields) == CURLE_OK;
}

/// Sets who hears header lines and body; 1 when it took.
static inline int teeline_curl_set_sinks(CURL *easy, curl_write_callback header, curl_write_callback body,
                                         void *owner) {
    return curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, owner) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, owner) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, owner) == CURLE_OK;
}

/// The owner that `teeline_curl_set_sinks` set.
static inline void *teeline_curl_owner(CURL *easy) {
    char *owner = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    return owner;
}

/// A number of what is known of a transfer, or 0.
static inline long teeline_curl_number(CURL *easy, CURLINFO info) {
    long value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

/// Where a redirect that was not followed leads, as a whole URL; NULL for nowhere.
static inline const char *teeline_curl_redirect(CURL *easy) {
    char *url = NULL;
    return curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &url) == CURLE_OK ? url : NULL;
}

/// Sets an option of the many that is a number; 1 when it took.
static inline int teeline_curl_set_many(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value) == CURLM_OK;
}

/// The next transfer that has ended, and how; NULL when there is none.
static inline CURL *teeline_curl_ended(CURLM *multi, CURLcode *result) {
    int left = 0;
    for (;;) {
        struct CURLMsg *message = curl_multi_info_read(multi, &left);
        if (!message) return NULL;
        if (message->msg != CURLMSG_DONE) continue;
        *result = message->data.result;
        return message->easy_handle;
    }
}
