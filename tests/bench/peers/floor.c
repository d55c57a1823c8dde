/* The floor under every fan-out: one send() a reader, of a frame that is ready, and nothing else.
 *
 *     floor ACCEPT
 *
 * Listens on a free port of 127.0.0.1 and says which. Speaks websocket as far as the bench does: its
 * requests all carry the same key, whose answer is ACCEPT, and its frames come whole or in order. The
 * first message is "join ROOM" or "post"; a poster's next ones are "ROOM PAYLOAD". What one recv()
 * from a poster brings is one flush: its payloads, framed, go to every reader with one send(). There
 * is one room. A reader that can't take its bytes at once ends the program.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 65536, DESCRIPTORS = 32768, EVENTS = 256 };

typedef struct {
    enum { NEW, UPGRADED, POSTER, READER } role;
    size_t held;
    unsigned char *in; /* what has come but isn't whole */
} Connection;

static Connection connections[DESCRIPTORS];
static int readers[DESCRIPTORS], reader_count;
static unsigned char out[2 * BUFFER];
static size_t out_size;
static const char *accept_key;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void send_all(int fd, const void *bytes, size_t size) {
    if (send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
        die("send");
}

static size_t put_frame(unsigned char *to, const unsigned char *payload, size_t size) {
    size_t head = size < 126 ? 2 : 4;
    to[0] = 0x81;
    to[1] = size < 126 ? size : 126;
    if (head == 4) {
        to[2] = size >> 8;
        to[3] = size;
    }
    memcpy(to + head, payload, size);
    return head + size;
}

static void leave(int fd) {
    for (int i = 0; i < reader_count; i++)
        if (readers[i] == fd)
            readers[i--] = readers[--reader_count];
    free(connections[fd].in);
    memset(&connections[fd], 0, sizeof connections[fd]);
    close(fd);
}

static void join(int fd, const char *room, int size) {
    unsigned char frame[512];
    char text[400];
    int length = snprintf(text, sizeof text,
                          "{\"type\":\"joined\",\"room\":{\"name\":\"%.*s\"},\"cursor\":\"x.0\"}", size, room);
    send_all(fd, frame, put_frame(frame, (unsigned char *)text, length));
    connections[fd].role = READER;
    readers[reader_count++] = fd;
}

static void take(int fd, unsigned char *payload, size_t size) {
    Connection *connection = &connections[fd];
    if (connection->role == POSTER) {
        unsigned char *space = memchr(payload, ' ', size);
        if (space == NULL)
            die("no room");
        size_t skipped = space + 1 - payload;
        out_size += put_frame(out + out_size, space + 1, size - skipped);
    } else if (size > 5 && memcmp(payload, "join ", 5) == 0)
        join(fd, (char *)payload + 5, size - 5);
    else
        connection->role = POSTER;
}

/* Returns how many bytes of whole frames, or of the request, were used up. */
static size_t parse(int fd, unsigned char *in, size_t size) {
    size_t used = 0;
    if (connections[fd].role == NEW) {
        unsigned char *end = memmem(in, size, "\r\n\r\n", 4);
        if (end == NULL)
            return 0;
        char answer[256];
        int length = snprintf(answer, sizeof answer,
                              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                              "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                              accept_key);
        send_all(fd, answer, length);
        connections[fd].role = UPGRADED;
        used = end + 4 - in;
    }
    while (size - used >= 6) {
        unsigned char *frame = in + used;
        size_t head = 2, length = frame[1] & 0x7f;
        if (length == 126) {
            length = frame[2] << 8 | frame[3];
            head = 4;
        }
        if (length == 127 || size - used < head + 4 + length)
            break;
        unsigned char *mask = frame + head, *payload = mask + 4;
        for (size_t i = 0; i < length; i++)
            payload[i] ^= mask[i % 4];
        take(fd, payload, length);
        used += head + 4 + length;
    }
    return used;
}

static void receive(int fd) {
    Connection *connection = &connections[fd];
    if (connection->in == NULL && (connection->in = malloc(BUFFER)) == NULL)
        die("malloc");
    ssize_t size = recv(fd, connection->in + connection->held, BUFFER - connection->held, MSG_DONTWAIT);
    if (size <= 0) {
        if (size == 0 || errno == ECONNRESET)
            leave(fd);
        return;
    }
    connection->held += size;
    size_t used = parse(fd, connection->in, connection->held);
    connection->held -= used;
    memmove(connection->in, connection->in + used, connection->held);
    if (out_size > 0) {
        for (int i = 0; i < reader_count; i++)
            send_all(readers[i], out, out_size);
        out_size = 0;
    }
}

int main(int count, char **arguments) {
    if (count != 2)
        return 2;
    accept_key = arguments[1];
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (void *)&address, size) || listen(listener, 4096) ||
        getsockname(listener, (void *)&address, &size))
        die("listen");
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    printf("listens on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != listener) {
                receive(events[i].data.fd);
                continue;
            }
            int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0)
                continue;
            if (fd >= DESCRIPTORS)
                die("too many");
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            event.events = EPOLLIN;
            event.data.fd = fd;
            epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
