// GNU libmicrohttpd 0.9.75: the desk's HTTP/1.1 server. Variadic calls get inline shims here.
#pragma once
#include <microhttpd.h>

/// MHD_start_daemon is variadic: the options that the desk uses, as parameters. `address` is a sockaddr.
static inline struct MHD_Daemon *teeline_mhd_start(
    unsigned int flags, const void *address, MHD_AccessHandlerCallback handler, void *handler_context,
    void *(*uri)(void *, const char *, struct MHD_Connection *), MHD_RequestCompletedCallback completed,
    unsigned int threads, unsigned int connections, unsigned int per_address, unsigned int idle_seconds,
    size_t header_bytes)
{
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_SOCK_ADDR, 0, (void *)address},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)uri, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)completed, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)connections, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)per_address, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)idle_seconds, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)header_bytes, NULL},
        {MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024, NULL},
        {MHD_OPTION_LISTENING_ADDRESS_REUSE, 1, NULL},
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(flags, 0, NULL, NULL, handler, handler_context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/// The port a daemon listens on, or 0.
static inline uint16_t teeline_mhd_port(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

/// The peer's address of a connection, or NULL.
static inline const struct sockaddr *teeline_mhd_peer(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

/// MHD_upgrade_action is variadic.
static inline enum MHD_Result teeline_mhd_close_upgraded(struct MHD_UpgradeResponseHandle *handle)
{
    return MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}
