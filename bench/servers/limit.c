/* The limit: as little as a server can do that takes chunks in and verifies them.
 *
 * Threads that each accept a connection and serve its requests one after the other:
 *
 *     POST /NAME?size=BYTES         make the file NAME in the working directory, with its bytes allocated
 *     PUT  /NAME?offset=BYTES       receive, hash and write a chunk in its place; answers its SHA-256 in hex
 *
 * No database, no signatures, no limits, and any mistake ends the connection: it is a yardstick, not a server. SHA-256 is
 * OpenSSL's, loaded when it runs, so that it needs no headers and is the very code that Python's hashlib runs.
 *
 *     cc -O2 -pthread limit.c -o limit -ldl && ./limit PORT
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 16, BLOCK = 1 << 20, HEAD = 8192, DIGEST = 32 };

static void *(*md_new)(void);
static const void *(*md_sha256)(void);
static int (*md_init)(void *, const void *, void *);
static int (*md_update)(void *, const void *, size_t);
static int (*md_final)(void *, unsigned char *, unsigned int *);

/* One connection: `have` bytes of `buffer` were received and belong to the request that is served now, or the next. */
struct peer {
    int socket;
    char *buffer;
    size_t have;
    void *hash;
};

static void load_sha256(void) {
    static const char *names[] = {"libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so"};
    void *library = NULL;
    for (size_t i = 0; !library && i < sizeof names / sizeof *names; i++)
        library = dlopen(names[i], RTLD_NOW);
    if (library) {
        *(void **)&md_new = dlsym(library, "EVP_MD_CTX_new");
        *(void **)&md_sha256 = dlsym(library, "EVP_sha256");
        *(void **)&md_init = dlsym(library, "EVP_DigestInit_ex");
        *(void **)&md_update = dlsym(library, "EVP_DigestUpdate");
        *(void **)&md_final = dlsym(library, "EVP_DigestFinal_ex");
    }
    if (!md_new || !md_sha256 || !md_init || !md_update || !md_final) {
        fputs("no OpenSSL (libcrypto) to load\n", stderr);
        exit(1);
    }
}

static int answer(int socket, const char *status, const char *body) {
    char text[256];
    int length = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
    return send(socket, text, length, MSG_NOSIGNAL) == length;
}

static int make_file(const char *name, long long size) {
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return 0;
    int failed = posix_fallocate(file, 0, size);
    return !close(file) && !failed;
}

/* Hash and write the first `length` bytes of the buffer. */
static int take(struct peer *peer, int file, size_t length, long long offset) {
    if (!md_update(peer->hash, peer->buffer, length))
        return 0;
    for (size_t done = 0; done < length;) {
        ssize_t count = pwrite(file, peer->buffer + done, length - done, offset + (long long)done);
        if (count <= 0)
            return 0;
        done += count;
    }
    return 1;
}

/* A body of `left` bytes, of which the buffer holds the first. Nothing is pipelined, so nothing comes after it. */
static int receive(struct peer *peer, int file, long long offset, size_t left) {
    while (left) {
        size_t wanted = left < BLOCK ? left : BLOCK;
        while (peer->have < wanted) {
            ssize_t count = recv(peer->socket, peer->buffer + peer->have, wanted - peer->have, 0);
            if (count <= 0)
                return 0;
            peer->have += count;
        }
        if (!take(peer, file, wanted, offset))
            return 0;
        offset += wanted;
        left -= wanted;
        peer->have = 0;
    }
    return 1;
}

static int put(struct peer *peer, const char *name, long long offset, size_t length) {
    unsigned char digest[DIGEST];
    char hex[2 * DIGEST + 1];
    int file = open(name, O_WRONLY | O_CLOEXEC);
    int whole = file >= 0 && md_init(peer->hash, md_sha256(), NULL) && receive(peer, file, offset, length) &&
                md_final(peer->hash, digest, NULL);
    if (file >= 0)
        close(file);
    for (int i = 0; whole && i < DIGEST; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
    return whole && answer(peer->socket, "200 OK", hex);
}

/* Read a head into `head`; bytes of the body that came with it move to the beginning of the buffer. */
static int read_head(struct peer *peer, char *head) {
    char *end = NULL;
    while (!end) {
        if (peer->have == HEAD - 1)
            return 0;
        ssize_t count = recv(peer->socket, peer->buffer + peer->have, HEAD - 1 - peer->have, 0);
        if (count <= 0)
            return 0;
        peer->have += count;
        end = memmem(peer->buffer, peer->have, "\r\n\r\n", 4);
    }
    size_t length = end + 4 - peer->buffer;
    memcpy(head, peer->buffer, length);
    head[length] = '\0';
    peer->have -= length;
    memmove(peer->buffer, peer->buffer + length, peer->have);
    return 1;
}

static int serve_one(struct peer *peer) {
    char head[HEAD], name[32];
    long long number;
    if (!read_head(peer, head))
        return 0;
    char *field = strcasestr(head, "\r\nContent-Length:");
    size_t length = field ? strtoull(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
    if (sscanf(head, "PUT /%31[a-z0-9]?offset=%lld ", name, &number) == 2)
        return put(peer, name, number, length);
    if (sscanf(head, "POST /%31[a-z0-9]?size=%lld ", name, &number) == 2)
        return make_file(name, number) && answer(peer->socket, "201 Created", "");
    return answer(peer->socket, "404 Not Found", "");
}

static void *serve(void *listener) {
    int on = 1;
    struct peer peer = {.hash = md_new()};
    peer.buffer = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!peer.hash || peer.buffer == MAP_FAILED)
        exit(1);
    for (;;) {
        peer.socket = accept4(*(int *)listener, NULL, NULL, SOCK_CLOEXEC);
        if (peer.socket < 0)
            continue;
        setsockopt(peer.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        peer.have = 0;
        while (serve_one(&peer))
            ;
        close(peer.socket);
    }
    return NULL;
}

int main(int count, char **arguments) {
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    load_sha256();
    if (count != 2)
        return 0;
    address.sin_port = htons(atoi(arguments[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) {
        perror("limit");
        return 1;
    }
    for (int i = 1; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, &listener))
            return 1;
    }
    serve(&listener);
}
