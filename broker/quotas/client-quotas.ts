/**
 * The quotas of users, clients and addresses, of every type, as they are set in ZooKeeper. A broker on which nobody
 * has set any has `isEnabled` false, and no request pays for more than looking at it. Once anybody has set one
 * of any type, all clients are measured in all that they use, as in Kafka, whose handlers of configs know of no
 * single type: also a user's credentials count, as they are set in the same place.
 * Source: kafka.server.QuotaFactory, UserConfigHandler and ClientIdConfigHandler.
 */
import type { ConfigEntity } from '../../coordinator-client/znodes/config-znodes.ts';
import type { Metrics } from '../platform/metrics.ts';
import { ConnectionRates } from './connection-rates.ts';
import { CLIENT_QUOTA_KEYS, type QuotaType, quotaLimit } from './quota-keys.ts';
import { exemptGauge, quotaGauges } from './quota-metrics.ts';
import { type QuotaSensor, QuotaSensors } from './quota-sensors.ts';
import { ANY_OTHER, type QuotaTags } from './quota-table.ts';
import { metricsWindow, SampledRate, type SampleWindow } from './sampled-rate.ts';

/** The properties that it reads, under the names of BrokerConfig. */
interface QuotaConfig {
  readonly quotaWindowNum: number;
  readonly quotaWindowSizeSeconds: number;
  readonly controllerQuotaWindowNum: number;
  readonly controllerQuotaWindowSizeSeconds: number;
  readonly clientQuotaMaxSensors: number;
  readonly metricsNumSamples: number;
  readonly metricsSampleWindowMs: number;
}

type SensorsByType = Readonly<Record<QuotaType, QuotaSensors>>;

/** The sensors of one client: each is made when there is first something to count. */
export class ClientSensors {
  readonly #byType: SensorsByType;
  readonly #user: string;
  readonly #clientId: string;
  readonly #known: Partial<Record<QuotaType, QuotaSensor>> = {};

  constructor(byType: SensorsByType, user: string, clientId: string) {
    this.#byType = byType;
    this.#user = user;
    this.#clientId = clientId;
  }

  of(type: QuotaType, nowMs: number): QuotaSensor {
    this.#known[type] ??= this.#byType[type].of(this.#user, this.#clientId, nowMs);
    return this.#known[type];
  }
}

/** What a connection remembers of its client's sensors, until they may have changed. */
export interface KnownSensors {
  readonly clientId: string;
  readonly revision: number;
  readonly sensors: ClientSensors;
}

const TYPES = Object.keys(CLIENT_QUOTA_KEYS) as QuotaType[];

export class ClientQuotas {
  readonly #byType: SensorsByType;
  readonly requestSampleMs: number;
  /** Percent of the time, of requests that nobody is throttled for. */
  readonly exempt: SampledRate;
  /** Of addresses. */
  readonly connections: ConnectionRates;
  #enabled = false;

  constructor(config: QuotaConfig) {
    const ofMetrics = metricsWindow(config);
    const window = sampleWindow(config.quotaWindowNum, config.quotaWindowSizeSeconds);
    const ofController = sampleWindow(
      config.controllerQuotaWindowNum,
      config.controllerQuotaWindowSizeSeconds,
    );
    this.requestSampleMs = window.sampleMs;
    this.exempt = new SampledRate(ofMetrics, 'full');
    this.connections = new ConnectionRates(window, config.clientQuotaMaxSensors);
    const common = { metricsWindow: ofMetrics, maxSensors: config.clientQuotaMaxSensors };
    const sensors = (): QuotaSensors => new QuotaSensors({ ...common, window });
    this.#byType = {
      produce: sensors(),
      fetch: sensors(),
      request: sensors(),
      // Tokens limit it, and its rate is a metric like any other.
      controllerMutation: new QuotaSensors({ ...common, window: ofController, shownWindow: ofMetrics }),
    };
  }

  /** Whether clients are measured: something was said of any since the start, be it that there is no limit. */
  get isEnabled(): boolean {
    return this.#enabled;
  }

  register(metrics: Metrics, nowMs: () => number): void {
    for (const type of TYPES) quotaGauges(metrics, type, this.#byType[type], nowMs);
    exemptGauge(metrics, this.exempt, nowMs);
  }

  /**
   * Takes over what is set for a user, a client, both, or an address. Names are as they stand in
   * ZooKeeper; other keys than those of quotas are none of its affair.
   */
  configured({ type, name }: ConfigEntity, config: ReadonlyMap<string, string>): void {
    if (type === 'ips') this.connections.configured(name === ANY_OTHER ? null : name, config);
    if (type === 'clients') this.#setLimits({ user: '', clientId: name }, config);
    if (type !== 'users') return;
    const [user = '', clientId = ''] = name.split('/clients/');
    this.#setLimits({ user, clientId }, config);
  }

  #setLimits(tags: QuotaTags, config: ReadonlyMap<string, string>): void {
    for (const type of TYPES) {
      const limit = quotaLimit(config.get(CLIENT_QUOTA_KEYS[type]));
      this.#byType[type].setLimit(tags, limit);
    }
    this.#enabled = true;
  }

  /** What a client is held to and uses, by its sanitised names. */
  sensorsOf(user: string, clientId: string): ClientSensors {
    return new ClientSensors(this.#byType, user, clientId);
  }

  /** Another number when what {@link sensorsOf} answered may not hold any more. */
  get revision(): number {
    const { produce, fetch, request, controllerMutation } = this.#byType;
    return produce.revision + fetch.revision + request.revision + controllerMutation.revision;
  }
}

function sampleWindow(samples: number, seconds: number): SampleWindow {
  return { samples, sampleMs: seconds * 1000 };
}
