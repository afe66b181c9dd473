/**
 * Listeners: `NAME://host:port`, where the name stands for a security protocol. The messages are
 * Kafka's.
 * Source: EndPoint, KafkaConfig.validateValues of Kafka 3.9.
 */
import { ConfigError, invalidValue, splitEntries } from './property.ts';

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;

export type SecurityProtocol = (typeof PROTOCOLS)[number];

/** Whether clients have to log in. */
export function hasLogin(protocol: SecurityProtocol): boolean {
  return protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL';
}

/** Whether bytes are encrypted. */
export function hasTls(protocol: SecurityProtocol): boolean {
  return protocol === 'SSL' || protocol === 'SASL_SSL';
}

export interface Listener {
  /** Upper case. */
  readonly name: string;
  /** Empty: every interface; or, advertised, this machine's name. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly securityProtocol: SecurityProtocol;
}

/** Reads listener.security.protocol.map; of a name that comes twice the last protocol counts. */
export function parseProtocolMap(text: string): ReadonlyMap<string, SecurityProtocol> {
  const key = 'listener.security.protocol.map';
  const protocols = new Map<string, SecurityProtocol>();
  for (const entry of splitEntries(text)) {
    const at = entry.lastIndexOf(':');
    const name = entry.slice(0, at).trim().toUpperCase();
    const given = entry
      .slice(at + 1)
      .trim()
      .toUpperCase();
    if (at < 1) throw invalidValue(key, text, `${entry} is not of the form NAME:PROTOCOL`);
    const protocol = PROTOCOLS.find((known) => known === given);
    if (protocol === undefined) {
      throw invalidValue(
        key,
        text,
        `No enum constant org.apache.kafka.common.security.auth.SecurityProtocol.${given}`,
      );
    }
    protocols.set(name, protocol);
  }
  return protocols;
}

/** Reads `listeners` or `advertised.listeners` (`key`). */
export function parseListeners(
  key: string,
  text: string,
  protocols: ReadonlyMap<string, SecurityProtocol>,
): readonly Listener[] {
  const listeners = splitEntries(text).map((entry) => {
    const endpoint = parseEndpoint(entry);
    if (typeof endpoint === 'string') throw unusable(text, endpoint);
    const securityProtocol = protocols.get(endpoint.name);
    if (securityProtocol !== undefined) return { ...endpoint, securityProtocol };
    throw unusable(text, `No security protocol defined for listener ${endpoint.name}`);
  });
  if (listeners.length === 0) {
    const advertised = key === 'advertised.listeners' ? 'broker advertised listener' : 'listener';
    throw new ConfigError(`There must be at least one ${advertised}.`, 'requirement');
  }
  if (new Set(listeners.map(({ name }) => name)).size !== listeners.length) {
    throw new ConfigError(`Each listener must have a different name, ${key}: ${text}`);
  }
  return listeners;
}

function unusable(text: string, complaint: string): ConfigError {
  return new ConfigError(`Error creating broker listeners from '${text}': ${complaint}`);
}

/** Reads one `NAME://host:port`, or says why not; an IPv6 address should, but need not, stand in brackets. */
export function parseEndpoint(text: string): { name: string; host: string; port: number } | string {
  const match = /^([^:/]+):\/\/(?:\[([0-9a-zA-Z%.:-]*)\]|([0-9a-zA-Z\-%._:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  if (match === null || port > 65535) return `Unable to parse ${text} to a broker endpoint`;
  return { name: (match[1] ?? '').toUpperCase(), host: match[2] ?? match[3] ?? '', port };
}

/** What is to be bound: on different ports. */
export function checkBound(listeners: readonly Listener[], text: string): void {
  const ports = listeners.filter(({ port }) => port !== 0).map(({ port, host }) => `${port} ${family(host)}`);
  if (new Set(ports).size !== ports.length) {
    throw new ConfigError(`Each listener must have a different port, listeners: ${text}`);
  }
}

/** What is told to others: names that are bound, addresses that can be reached. */
export function checkAdvertised(advertised: readonly Listener[], bound: readonly Listener[]): void {
  const names = new Set(bound.map(({ name }) => name));
  if (advertised.some(({ name }) => !names.has(name))) {
    const found = advertised.map(({ name }) => name).join(',');
    throw new ConfigError(
      `advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. Found ${found}. The valid options based on the current configuration are ${[...names].join(',')}`,
    );
  }
  if (advertised.some(({ host }) => host === '0.0.0.0')) {
    throw new ConfigError(
      'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.',
    );
  }
}

/** One port may serve an IPv4 and an IPv6 address. */
function family(host: string): string {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return '4';
  return host.includes(':') ? '6' : '';
}
