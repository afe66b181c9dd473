// A load of records through librdkafka, for clients that cost less than Java's.
//   load produce BOOTSTRAP TOPIC RECORDS SIZE ACKS CODEC LINGER_MS BATCH_BYTES CONNECTIONS IN_FLIGHT EVENLY_OVER [CONFIG=VALUE ...]
//   load consume BOOTSTRAP TOPIC RECORDS PARTITIONS [CONFIG=VALUE ...]
//   load version
// Prints a line of JSON; exits with 1 after the first error. Each connection is a producer of its own with
// at most IN_FLIGHT records not acknowledged. EVENLY_OVER is 0, or a number of partitions that take turns, a batch
// each. The few declarations of librdkafka's stable interface that are
// needed stand here, as its header is in a package of its own that machines seldom have.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_topic_conf_s rd_kafka_topic_conf_t;
typedef struct {
  int err;
  rd_kafka_topic_t *rkt;
  int32_t partition;
  void *payload;
  size_t len;
  void *key;
  size_t key_len;
  int64_t offset;
  void *_private;
} rd_kafka_message_t;
rd_kafka_conf_t *rd_kafka_conf_new(void);
int rd_kafka_conf_set(rd_kafka_conf_t *, const char *, const char *, char *, size_t);
void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *, void (*)(rd_kafka_t *, const rd_kafka_message_t *, void *));
void rd_kafka_conf_set_opaque(rd_kafka_conf_t *, void *);
rd_kafka_t *rd_kafka_new(int, rd_kafka_conf_t *, char *, size_t);
rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *, const char *, rd_kafka_topic_conf_t *);
int rd_kafka_produce(rd_kafka_topic_t *, int32_t, int, void *, size_t, const void *, size_t, void *);
int rd_kafka_last_error(void);
int rd_kafka_poll(rd_kafka_t *, int);
int rd_kafka_flush(rd_kafka_t *, int);
const char *rd_kafka_err2str(int);
const char *rd_kafka_version_str(void);
rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *);
int rd_kafka_consume_start_queue(rd_kafka_topic_t *, int32_t, int64_t, rd_kafka_queue_t *);
long rd_kafka_consume_batch_queue(rd_kafka_queue_t *, int, rd_kafka_message_t **, size_t);
void rd_kafka_message_destroy(rd_kafka_message_t *);
#define PRODUCER 0
#define CONSUMER 1
#define ANY_PARTITION (-1)
#define OFFSET_BEGINNING (-2)
#define QUEUE_FULL (-184)
#define PARTITION_EOF (-191)
#define SILENCE_LIMIT_SECONDS 20

static char *bootstrap, *topic_name;
// Configs of every client, CONFIG=VALUE; ends with NULL.
static char **more;
static char problem[512];

static void give_up(const char *what, const char *why) {
  fprintf(stderr, "load: %s: %s\n", what, why);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value) {
  if (rd_kafka_conf_set(conf, key, value, problem, sizeof problem) != 0) give_up(key, problem);
}

static rd_kafka_t *client(int type, rd_kafka_conf_t *conf) {
  set(conf, "bootstrap.servers", bootstrap);
  for (char **word = more; *word != NULL; word++) {
    char key[128];
    char *value = strchr(*word, '=');
    if (value == NULL || value - *word >= (long)sizeof key) give_up("config", *word);
    memcpy(key, *word, value - *word);
    key[value - *word] = 0;
    set(conf, key, value + 1);
  }
  rd_kafka_t *made = rd_kafka_new(type, conf, problem, sizeof problem);
  if (made == NULL) give_up("client", problem);
  return made;
}

struct worker {
  pthread_t thread;
  char **argv;
  long records, sent, acknowledged, in_flight;
  double *begun;
  float *latency_ms;
};

// A record's number travels as its opaque pointer.
static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  struct worker *worker = opaque;
  long number = (long)(intptr_t)message->_private;
  if (message->err != 0) give_up("delivery", rd_kafka_err2str(message->err));
  worker->latency_ms[number] = (float)((now() - worker->begun[number]) * 1e3);
  worker->acknowledged++;
}

// Text of which a codec makes about a third.
static void fill(char *record, size_t size, long number) {
  size_t at = 0;
  unsigned field = 0;
  while (at < size) {
    char part[64];
    int length = snprintf(part, sizeof part, "\"field%u\":%lu,", field, (number * 2654435761UL + field * 40503UL) % 4294967296UL);
    for (int i = 0; i < length && at < size; i++) record[at++] = part[i];
    field++;
  }
}

static void *produce(void *argument) {
  struct worker *worker = argument;
  char **argv = worker->argv;
  size_t size = (size_t)atol(argv[5]);
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "acks", argv[6]);
  set(conf, "compression.codec", argv[7]);
  set(conf, "linger.ms", argv[8]);
  set(conf, "batch.size", argv[9]);
  set(conf, "queue.buffering.max.messages", "1000000");
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_conf_set_opaque(conf, worker);
  rd_kafka_t *rk = client(PRODUCER, conf);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, topic_name, NULL);
  enum { VARIANTS = 1000 };
  char *payloads = malloc(VARIANTS * size);
  for (long i = 0; i < VARIANTS; i++) fill(payloads + i * size, size, i);
  long partitions = atol(argv[12]), per_batch = atol(argv[9]) / (long)size;
  if (per_batch == 0) per_batch = 1;
  while (worker->sent < worker->records) {
    if (worker->sent - worker->acknowledged >= worker->in_flight) {
      rd_kafka_poll(rk, 100);
      continue;
    }
    long number = worker->sent;
    worker->begun[number] = now();
    char *payload = payloads + number % VARIANTS * size;
    int32_t partition = partitions == 0 ? ANY_PARTITION : (int32_t)(number / per_batch % partitions);
    if (rd_kafka_produce(topic, partition, 0, payload, size, NULL, 0, (void *)(intptr_t)number) == 0) {
      worker->sent++;
      if (number % 64 == 0) rd_kafka_poll(rk, 0);
    } else if (rd_kafka_last_error() == QUEUE_FULL) {
      rd_kafka_poll(rk, 100);
    } else {
      give_up("produce", rd_kafka_err2str(rd_kafka_last_error()));
    }
  }
  int error = rd_kafka_flush(rk, 120000);
  if (error != 0) give_up("flush", rd_kafka_err2str(error));
  return NULL;
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

static void run_producers(char **argv) {
  long records = atol(argv[4]);
  int connections = atoi(argv[10]);
  float *latencies = malloc(records * sizeof *latencies);
  struct worker *workers = calloc(connections, sizeof *workers);
  long first = 0, acknowledged = 0;
  double begin = now();
  for (int i = 0; i < connections; i++) {
    struct worker *worker = &workers[i];
    worker->argv = argv;
    worker->records = records * (i + 1) / connections - first;
    worker->in_flight = atol(argv[11]);
    worker->latency_ms = latencies + first;
    worker->begun = malloc(worker->records * sizeof *worker->begun);
    first += worker->records;
    pthread_create(&worker->thread, NULL, produce, worker);
  }
  for (int i = 0; i < connections; i++) {
    pthread_join(workers[i].thread, NULL);
    acknowledged += workers[i].acknowledged;
  }
  double seconds = now() - begin;
  qsort(latencies, records, sizeof *latencies, ascending);
  printf("{\"records\":%ld,\"seconds\":%.6f,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f}\n", acknowledged, seconds,
         latencies[records / 2], latencies[(long)(records * 0.99)], latencies[(long)(records * 0.999)]);
}

// All partitions from their beginning; the clock runs from the first record on.
static void run_consumer(char **argv) {
  long wanted = atol(argv[4]), got = 0, bytes = 0;
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "queued.min.messages", "200000");
  set(conf, "fetch.message.max.bytes", "1048576");
  rd_kafka_t *rk = client(CONSUMER, conf);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, topic_name, NULL);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
  for (int partition = 0; partition < atoi(argv[5]); partition++) {
    if (rd_kafka_consume_start_queue(topic, partition, OFFSET_BEGINNING, queue) != 0)
      give_up("consume", rd_kafka_err2str(rd_kafka_last_error()));
  }
  double last = now(), begin = 0;
  enum { MANY = 2000 };
  rd_kafka_message_t *messages[MANY];
  while (got < wanted) {
    long count = rd_kafka_consume_batch_queue(queue, 100, messages, MANY);
    if (count > 0) last = now();
    if (begin == 0 && count > 0) begin = last;
    for (long i = 0; i < count; i++) {
      if (messages[i]->err == 0) {
        got++;
        bytes += messages[i]->len;
      } else if (messages[i]->err != PARTITION_EOF) {
        give_up("consume", rd_kafka_err2str(messages[i]->err));
      }
      rd_kafka_message_destroy(messages[i]);
    }
    if (now() - last > SILENCE_LIMIT_SECONDS) give_up("consume", "too few records came");
  }
  double seconds = now() - begin;
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  printf("{\"records\":%ld,\"bytes\":%ld,\"seconds\":%.6f,\"ended\":%.6f}\n", got, bytes, seconds,
         wall.tv_sec + wall.tv_nsec / 1e9);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "version") == 0) {
    puts(rd_kafka_version_str());
    return 0;
  }
  if (argc < 5) give_up("arguments", "see the head of load.c");
  bootstrap = argv[2];
  topic_name = argv[3];
  if (strcmp(argv[1], "produce") == 0 && argc >= 13) more = argv + 13, run_producers(argv);
  else if (strcmp(argv[1], "consume") == 0 && argc >= 6) more = argv + 6, run_consumer(argv);
  else give_up("arguments", "see the head of load.c");
  fflush(stdout);
  // Without the orderly end of the clients, which takes its time.
  _exit(0);
}
