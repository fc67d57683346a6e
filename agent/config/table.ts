/**
 * The configuration, declared once. From this table come parsing, checking, `NORMWATCH_*` variables, `config print`,
 * `config schema`, and `docs/reference/config.md`. The path of a key is its place here; its variable is the path in
 * capitals: `kafka.groupId` → `NORMWATCH_KAFKA_GROUP_ID`.
 */
import { DEFAULT_SETTINGS } from '../core/settings.ts';
import {
  addresses,
  choice,
  choices,
  duration,
  flag,
  integer,
  number,
  path,
  secret,
  showDuration,
  size,
  text,
} from './key.ts';
import { named } from './named.ts';
import { rate, showRate } from './rate.ts';

const tls = (whose: string) => ({
  enabled: flag(false, `Speak TLS with ${whose}. Implied by the keys beside it.`),
  ca: path("PEM file of the authorities to trust, instead of the system's."),
  cert: path('PEM file of the client certificate (mTLS); needs "key".'),
  key: path('PEM file of the private key of "cert".'),
  serverName: text(null, "Name to expect in the server's certificate, if it is not the host's."),
});

const defaults = {
  tick: showDuration(DEFAULT_SETTINGS.tickMs),
  lateness: showDuration(DEFAULT_SETTINGS.latenessMs),
  silence: showDuration(DEFAULT_SETTINGS.silenceMs),
  rollingDelay: showDuration(DEFAULT_SETTINGS.rollingDelayMs),
  pages: showRate(DEFAULT_SETTINGS.budget.pagesEveryMs),
  tickets: showRate(DEFAULT_SETTINGS.budget.ticketsEveryMs),
};

const budget = {
  pages: rate(defaults.pages, 'False pages that a model may cost at most while nothing is wrong.'),
  tickets: rate(defaults.tickets, 'False tickets that a model may cost at most while nothing is wrong.'),
  outputKlNats: number(
    DEFAULT_SETTINGS.budget.outputKlNats,
    0.000_001,
    100,
    'Divergence of the output that pages, in nats.',
  ),
} as const;

export const CONFIG_TABLE = {
  roles: choices(
    ['agent', 'intake'],
    ['agent'],
    'What this process does: "agent" folds telemetry from Kafka, "intake" takes it from the model\'s process to Kafka.',
  ),
  kafka: {
    client: choice(
      ['kafkajs', 'platformatic'],
      'kafkajs',
      'Client library. Both are held to the same exam; "platformatic" is maintained and sees when a topic was made anew.',
    ),
    brokers: addresses('Brokers to start from.'),
    topic: text(
      'normwatch.events',
      'Topic of the telemetry and control events, keyed by environment and model.',
    ),
    groupId: text('normwatch-agent', 'Consumer group of the agents that share the topic.'),
    findingsTopic: text(null, 'Topic that incidents go to, as CloudEvents; none when absent.'),
    clientId: text('normwatch', 'Name of this client in the logs and quotas of the brokers.'),
    compression: choice(
      ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
      'zstd',
      'Codec of what is produced. All are read.',
    ),
    connectionTimeout: duration('3s', '100ms', '2m', 'How long a connection to a broker may take.'),
    requestTimeout: duration('15s', '1s', '5m', 'How long a broker may take for an answer.'),
    sessionTimeout: duration(
      '30s',
      '6s',
      '30m',
      'The group takes partitions from a member unheard of for so long.',
    ),
    rebalanceTimeout: duration('30s', '6s', '30m', 'How long members may take to hand over partitions.'),
    heartbeatInterval: duration(
      '3s',
      '500ms',
      '5m',
      'How often a member is heard of; a third of the session at most.',
    ),
    tls: tls('the brokers'),
    sasl: {
      mechanism: choice(
        ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'],
        null,
        'How to prove who we are; "plain" only over TLS.',
      ),
      username: text(null, 'User of "plain" and "scram".'),
      password: secret('Password of "plain" and "scram".'),
      token: secret('Token of "oauthbearer"; its file is read again at each login.'),
    },
  },
  store: {
    type: choice(
      ['redis', 'disk', 'memory'],
      'redis',
      'Where state and position live: "redis" for agents that share the work, "disk" for one agent, "memory" for trials.',
    ),
    redis: {
      url: text(null, 'Address, redis:// or rediss://, without a password; instead of "host" and "port".'),
      host: text(null, 'Host of a single Redis.'),
      port: integer(6379, 1, 65_535, 'Port of a single Redis.'),
      database: integer(0, 0, 1024, 'Number of the database; a cluster has only 0.'),
      sentinels: addresses('Sentinels, instead of "host".'),
      sentinelName: text('mymaster', 'Name of the master that the sentinels watch.'),
      sentinelUsername: text(null, 'User at the sentinels.'),
      sentinelPassword: secret('Password at the sentinels.'),
      cluster: addresses('Nodes of a Redis Cluster to start from, instead of "host".'),
      username: text(null, 'ACL user; needs its key pattern only.'),
      password: secret('Password of the user.'),
      tls: tls('Redis'),
      keyPrefix: text('nw:', 'Beginning of all keys, for a Redis that is shared.'),
      deadline: duration(
        '2s',
        '50ms',
        '1m',
        'A call that takes longer counts as failed and is told as such.',
      ),
    },
    disk: {
      path: path('File of the state; made when it is not there.'),
      fsync: choice(
        ['commit', 'checkpoint'],
        'checkpoint',
        '"commit" survives a power cut whole; after one, "checkpoint" may read the last moments from Kafka again.',
      ),
    },
  },
  http: {
    host: text('127.0.0.1', 'Address that page, /metrics, /healthz and /readyz listen on; 0.0.0.0 for all.'),
    port: integer(9464, 0, 65_535, 'Its port; 0 takes a free one and prints it.'),
  },
  intake: {
    host: text('127.0.0.1', "Loopback address that the model's process posts NDJSON to."),
    port: integer(9465, 0, 65_535, 'Its port; 0 takes a free one and prints it.'),
    socketPath: path('Unix socket to listen on beside the port; none when absent.'),
    memory: size(
      '64MiB',
      '64KiB',
      '8GiB',
      'Most memory for what waits for Kafka; beyond, the oldest goes and is counted.',
    ),
    linger: duration('20ms', '0ms', '10s', 'How long a batch waits for company.'),
  },
  metrics: {
    layers: choice(
      ['auto', 'all', 'top', 'none'],
      'auto',
      'Detail per layer: of all, of the worst, of none; "auto" is all up to "seriesMax" series, then top, and says so.',
    ),
    topLayers: integer(20, 1, 1000, 'How many of the worst layers of a stream "top" shows.'),
    seriesMax: integer(5000, 100, 1_000_000, 'Where "auto" changes from all to top.'),
  },
  fold: {
    tick: duration(defaults.tick, '1s', '10m', 'Length of a tick of event time.'),
    lateness: duration(
      defaults.lateness,
      '0ms',
      '10m',
      'A tick closes at the latest this long after its end.',
    ),
    silence: duration(
      defaults.silence,
      '1s',
      '1h',
      'A source is silent after this, or three of its flushes.',
    ),
    rollingDelay: duration(
      defaults.rollingDelay,
      '0ms',
      '1d',
      'How long ticks wait before rolling baselines learn them.',
    ),
    leastEffectSigmas: number(
      DEFAULT_SETTINGS.leastEffectSigmas,
      0,
      100,
      'Smaller shifts open no incident, in standard deviations of one request.',
    ),
    calibration: {
      ticks: integer(DEFAULT_SETTINGS.calibration.ticks, 2, 100_000, 'Ticks until a stream is guarded.'),
      flushes: integer(
        DEFAULT_SETTINGS.calibration.flushes,
        2,
        1_000_000,
        'Flushes until a stream is guarded.',
      ),
    },
  },
  budget: {
    ...budget,
    models: named(
      'model',
      budget,
      'What single models have otherwise; what is not said of a model is as for all.',
    ),
  },
  log: {
    level: choice(['debug', 'info', 'warn', 'error'], 'info', 'Least level that is logged.'),
  },
} as const;
