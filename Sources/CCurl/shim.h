#ifndef LOCKSTEP_CCURL_SHIM_H
#define LOCKSTEP_CCURL_SHIM_H

#include <curl/curl.h>

// curl_easy_setopt and curl_easy_getinfo are variadic, and Swift does not call such functions: here is one for each
// type of value.

static inline CURLcode ccurl_set_number(CURL *transfer, CURLoption option, long value) {
  return curl_easy_setopt(transfer, option, value);
}

static inline CURLcode ccurl_set_text(CURL *transfer, CURLoption option, const char *value) {
  return curl_easy_setopt(transfer, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *transfer, CURLoption option, void *value) {
  return curl_easy_setopt(transfer, option, value);
}

static inline CURLcode ccurl_set_callback(CURL *transfer, CURLoption option,
                                          size_t (*callback)(char *, size_t, size_t, void *)) {
  return curl_easy_setopt(transfer, option, callback);
}

// Neither the address nor a redirect may name another protocol, such as file.
static inline void ccurl_allow_only_http(CURL *transfer) {
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(transfer, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(transfer, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  curl_easy_setopt(transfer, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static inline const char *ccurl_effective_address(CURL *transfer) {
  const char *address = NULL;
  curl_easy_getinfo(transfer, CURLINFO_EFFECTIVE_URL, &address);
  return address;
}

// The length of the body that the server announced, -1 if it did not.
static inline long long ccurl_content_length(CURL *transfer) {
  curl_off_t length = -1;
  curl_easy_getinfo(transfer, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length;
}

#endif
