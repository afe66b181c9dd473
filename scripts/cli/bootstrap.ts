/** The brokers that a command begins with, and the options that all commands for clients share. */
import { type OptionSpec, UsageError } from './arguments.ts';

const DEFAULT_PORT = 9092;
const MAX_PORT = 65_535;

export interface Address {
  readonly host: string;
  readonly port: number;
}

const bootstrapOption: OptionSpec = {
  name: 'bootstrap-server',
  value: 'HOST:PORT,…',
  help: `brokers to begin with; port ${DEFAULT_PORT} unless given`,
  fallback: `127.0.0.1:${DEFAULT_PORT}`,
};
const commandConfigOption: OptionSpec = {
  name: 'command-config',
  value: 'FILE',
  help: "how the client logs in and whom it believes: Kafka's client configs (security.protocol, sasl.*, ssl.*)",
};
/** What every command for clients takes. */
export const clientOptions: readonly OptionSpec[] = [bootstrapOption, commandConfigOption];
export const jsonOption: OptionSpec = { name: 'json', help: 'answer in JSON' };

/** `host:port`, `host`, `[::1]:port`, separated by commas. Throws UsageError. */
export function bootstrapAddresses(text: string): Address[] {
  const words = text.split(',').map((word) => word.trim());
  return words.filter((word) => word !== '').map(addressOf);
}

function addressOf(word: string): Address {
  const found = /^(?:\[([\da-fA-F:]+)\]|([^:\s]+))(?::(\d+))?$/.exec(word);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3] ?? DEFAULT_PORT);
  if (host === undefined || port < 1 || port > MAX_PORT)
    throw new UsageError(
      `--bootstrap-server takes HOST:PORT,…, with ports from 1 to ${MAX_PORT}, not '${word}'`,
    );
  return { host, port };
}
