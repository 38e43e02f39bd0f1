/* The least that storing costs; storing.py calls it.
 *
 * least serve THREADS BYTES [FOLDER]         receives requests of at most so many bytes and answers 200; with a folder
 *                                            it writes each body into a new file there and syncs it before
 * least send THREADS REQUESTS COUNT PORT     sends the files 0, 1, … of a folder as they are, one connection a thread
 * least write THREADS REQUESTS COUNT FOLDER  writes their bodies into new files and syncs them, without a network
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define ANSWER_BYTES (4 << 20)

struct request { char *bytes, *answer; size_t length; double begun_us, us; };

static struct request *requests;
static unsigned count;
static atomic_uint next;
static const char *folder;
static size_t room;
static int listener;
static struct sockaddr_in place = {.sin_family = AF_INET};
static pthread_barrier_t ready;

static double clock_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int open_in(const char *where, unsigned number, int how) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%u", where, number);
    int file = open(path, how, 0600);
    if (file < 0) err(1, "%s", path);
    return file;
}

/* Memory, or a file in memory, that is there already, so that nobody waits for it later. */
static char *memory(size_t bytes, int file) {
    int kind = MAP_PRIVATE | MAP_POPULATE | (file < 0 ? MAP_ANONYMOUS : 0);
    char *there = mmap(NULL, bytes, PROT_READ | (file < 0 ? PROT_WRITE : 0), kind, file, 0);
    if (there == MAP_FAILED) err(1, "%zu bytes of memory", bytes);
    return there;
}

static void store(unsigned number, const char *bytes, size_t length) {
    int file = open_in(folder, number, O_WRONLY | O_CREAT | O_EXCL);
    if (write(file, bytes, length) != (ssize_t)length || fsync(file) || close(file)) err(1, "writing");
}

static void send_all(int fd, const char *bytes, size_t length) {
    if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) err(1, "sending");
}

/* One message, its head ended by a zero: its length, and where its body begins; 0 when the other side has ended. */
static size_t receive(int fd, char *into, size_t bytes, size_t *body) {
    size_t have = 0, whole = 0;
    while (!whole || have < whole) {
        ssize_t got = recv(fd, into + have, (whole ? whole : bytes) - have, whole ? MSG_WAITALL : 0);
        if (got == 0 && have == 0) return 0;
        if (got <= 0) err(1, "a message ended early");
        have += got;
        char *end = whole ? NULL : memmem(into, have, "\r\n\r\n", 4), *told;
        if (!end) continue;
        *end = 0;
        if (!(told = strcasestr(into, "\r\nContent-Length:"))) errx(1, "no Content-Length: %.300s", into);
        *body = end + 4 - into;
        whole = *body + strtoull(told + 17, NULL, 10);
        if (whole > bytes || have > whole) errx(1, "a message is not as long as expected");
    }
    return have;
}

/* A thread of the server: one connection after the other. */
static void *serve(void *unused) {
    char *buffer = memory(room, -1);
    pthread_barrier_wait(&ready);
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd))
        for (size_t length, body; (length = receive(fd, buffer, room, &body)); send_all(fd, OK, strlen(OK)))
            if (folder) store(next++, buffer + body, length - body);
    err(1, "accept");
    return unused;
}

static void ask(int fd, struct request *one, char *buffer) {
    size_t body = 0, length;
    send_all(fd, one->bytes, one->length);
    if (!(length = receive(fd, buffer, ANSWER_BYTES, &body))) errx(1, "the server went away");
    one->answer = strndup(buffer + body, length - body);
    if (strncmp(buffer, OK, 12)) errx(1, "answered with %.300s: %.300s", buffer, one->answer);
}

/* A thread that sends, or writes where there is a folder: it takes the next request until none is left. */
static void *work(void *unused) {
    char *buffer = memory(ANSWER_BYTES, -1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!folder && connect(fd, (struct sockaddr *)&place, sizeof place)) err(1, "connecting");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    pthread_barrier_wait(&ready);
    for (struct request *one; (one = requests + next++) < requests + count;) {
        char *body = (char *)memmem(one->bytes, one->length, "\r\n\r\n", 4) + 4;
        one->begun_us = clock_us(CLOCK_MONOTONIC);
        if (folder) store(one - requests, body, one->bytes + one->length - body);
        else ask(fd, one, buffer);
        one->us = clock_us(CLOCK_MONOTONIC) - one->begun_us;
    }
    return unused;
}

int main(int given, char **words) {
    int serving = given > 3 && !strcmp(words[1], "serve");
    if (!serving && given != 6) errx(2, "least.c tells what to ask");
    unsigned threads = atoi(words[2]);
    pthread_t made[threads];
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (serving) {
        room = strtoull(words[3], NULL, 10), folder = words[4], listener = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, threads)) err(1, "listening");
        getsockname(listener, (struct sockaddr *)&place, &(socklen_t){sizeof place});
    } else if (!strcmp(words[1], "write")) folder = words[5];
    else place.sin_port = htons(atoi(words[5]));
    requests = calloc(count = serving ? 0 : atoi(words[4]), sizeof *requests);
    for (unsigned at = 0; at < count; at++) {
        int file = open_in(words[3], at, O_RDONLY);
        requests[at].bytes = memory(requests[at].length = lseek(file, 0, SEEK_END), file);
        close(file);
    }
    pthread_barrier_init(&ready, NULL, threads + 1);
    for (unsigned at = 0; at < threads; at++) pthread_create(&made[at], NULL, serving ? serve : work, NULL);
    pthread_barrier_wait(&ready);
    double used_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    if (serving) printf("%d\n", ntohs(place.sin_port)), fflush(stdout);
    for (unsigned at = 0; at < threads; at++) pthread_join(made[at], NULL);
    printf("%.0f\n", clock_us(CLOCK_PROCESS_CPUTIME_ID) - used_us);
    for (struct request *one = requests; one < requests + count; one++)
        printf("%.0f %.0f %s\n", one->begun_us, one->us, one->answer ? one->answer : "");
}
