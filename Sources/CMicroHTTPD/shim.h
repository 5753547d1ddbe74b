// GNU libmicrohttpd 0.9.75: the desk's HTTP/1.1 server. Variadic calls get inline shims here.
#pragma once
#include <microhttpd.h>
#include <stdarg.h>
#include <sys/socket.h>

/// What a daemon is started with; callbacks as libmicrohttpd declares them.
struct teeline_http_daemon {
    unsigned int flags;
    const struct sockaddr *address;
    unsigned int threads;
    unsigned int connections;
    unsigned int connections_per_address;
    unsigned int idle_seconds;
    size_t memory_bytes;
    MHD_AccessHandlerCallback access;
    void *(*target)(void *owner, const char *uri, struct MHD_Connection *connection);
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connected;
    size_t (*unescape)(void *owner, struct MHD_Connection *connection, char *text);
    void *owner;
};

/// Takes libmicrohttpd's log lines and drops them: they may quote a peer.
static inline void teeline_http_silence(void *owner, const char *format, va_list arguments) {
    (void)owner;
    (void)format;
    (void)arguments;
}

/// Starts a daemon; NULL with errno when it cannot.
static inline struct MHD_Daemon *teeline_http_start(const struct teeline_http_daemon *s) {
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)&teeline_http_silence, NULL},
        {MHD_OPTION_SOCK_ADDR, 0, (void *)s->address},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)s->connections, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)s->connections_per_address, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)s->idle_seconds, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)s->memory_bytes, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)s->completed, s->owner},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)s->connected, s->owner},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)s->target, s->owner},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)s->unescape, s->owner},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {s->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)s->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(s->flags, 0, NULL, NULL, s->access, s->owner, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_END);
}

/// The port a daemon listens on, or 0.
static inline uint16_t teeline_http_port(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

/// The bytes of request line and header fields of a request, or 0.
static inline size_t teeline_http_header_size(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

/// The peer's address, or NULL.
static inline const struct sockaddr *teeline_http_peer(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

/// The connection's socket, or -1.
static inline int teeline_http_descriptor(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/// Gives an upgraded socket back, to be closed.
static inline enum MHD_Result teeline_http_release(struct MHD_UpgradeResponseHandle *handle) {
    return MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}
