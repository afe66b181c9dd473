/**
 * The quotas of users, clients and addresses, of every type, as they are set in ZooKeeper. A broker on which nobody
 * has set any has `isLimiting` false, and no request pays for more than looking at it.
 * Source: kafka.server.QuotaFactory, UserConfigHandler and ClientIdConfigHandler.
 */
import type { ConfigEntity } from '../../coordinator-client/znodes/config-znodes.ts';
import type { Metrics } from '../platform/metrics.ts';
import { ConnectionRates } from './connection-rates.ts';
import { CLIENT_QUOTA_KEYS, type QuotaType, quotaLimit } from './quota-keys.ts';
import { quotaGauges } from './quota-metrics.ts';
import { type QuotaSensor, QuotaSensors } from './quota-sensors.ts';
import { ANY_OTHER, type QuotaTags } from './quota-table.ts';
import type { SampleWindow } from './sampled-rate.ts';

/** The properties that it reads, under the names of BrokerConfig. */
interface QuotaConfig {
  readonly quotaWindowNum: number;
  readonly quotaWindowSizeSeconds: number;
  readonly controllerQuotaWindowNum: number;
  readonly controllerQuotaWindowSizeSeconds: number;
  readonly clientQuotaMaxSensors: number;
}

/** What one client is held to. */
export type ClientLimits = Readonly<Record<QuotaType, QuotaSensor | null>>;

/** What a connection remembers of its client's limits, until they change. */
export interface KnownLimits {
  readonly clientId: string;
  readonly revision: number;
  readonly limits: ClientLimits | null;
}

const TYPES = Object.keys(CLIENT_QUOTA_KEYS) as QuotaType[];

export class ClientQuotas {
  readonly #byType: Readonly<Record<QuotaType, QuotaSensors>>;
  readonly requestSampleMs: number;
  /** Of addresses. */
  readonly connections: ConnectionRates;
  #limiting = false;

  constructor(config: QuotaConfig) {
    const { clientQuotaMaxSensors } = config;
    const window = sampleWindow(config.quotaWindowNum, config.quotaWindowSizeSeconds);
    const ofController = sampleWindow(
      config.controllerQuotaWindowNum,
      config.controllerQuotaWindowSizeSeconds,
    );
    this.requestSampleMs = window.sampleMs;
    this.connections = new ConnectionRates(window, clientQuotaMaxSensors);
    this.#byType = {
      produce: new QuotaSensors(window, clientQuotaMaxSensors),
      fetch: new QuotaSensors(window, clientQuotaMaxSensors),
      request: new QuotaSensors(window, clientQuotaMaxSensors),
      controllerMutation: new QuotaSensors(ofController, clientQuotaMaxSensors),
    };
  }

  /** Whether anybody has a limit. */
  get isLimiting(): boolean {
    return this.#limiting;
  }

  register(metrics: Metrics, nowMs: () => number): void {
    for (const type of TYPES) quotaGauges(metrics, type, this.#byType[type], nowMs);
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
    this.#limiting = TYPES.some((type) => this.#byType[type].isLimiting);
  }

  /** What a client is held to, by its sanitised names; null without any limit. */
  limitsOf(user: string, clientId: string, nowMs: number): ClientLimits | null {
    const { produce, fetch, request, controllerMutation } = this.#byType;
    const limits = {
      produce: produce.of(user, clientId, nowMs),
      fetch: fetch.of(user, clientId, nowMs),
      request: request.of(user, clientId, nowMs),
      controllerMutation: controllerMutation.of(user, clientId, nowMs),
    };
    return TYPES.some((type) => limits[type] !== null) ? limits : null;
  }

  /** Another number when what {@link limitsOf} answered may not hold any more. */
  get revision(): number {
    const { produce, fetch, request, controllerMutation } = this.#byType;
    return produce.revision + fetch.revision + request.revision + controllerMutation.revision;
  }
}

function sampleWindow(samples: number, seconds: number): SampleWindow {
  return { samples, sampleMs: seconds * 1000 };
}
