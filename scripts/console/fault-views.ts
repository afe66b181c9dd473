/**
 * Faults on demand, as the page shows and asks for them. Each broker is asked itself, by its peer endpoint: one
 * that runs without the fault API, or is no broker of Odradek, has none.
 */
import { FAULT_KINDS } from '../../broker/faults/fault-table.ts';
import { type BrokerFaults, faultsAt } from '../../test/kit/http/fault-client.ts';
import type { BrokerPicture } from './picture.ts';
import { BadQuestion } from './refusals.ts';
import type { BrokerFaultsView, FaultKindView } from './views.ts';

/** All that can be asked for. */
export function faultKinds(): readonly FaultKindView[] {
  return FAULT_KINDS.map(({ name, summary, parameters, isMomentary }) => ({
    name,
    summary,
    lasts: isMomentary !== true,
    parameters: parameters.map(({ name: parameter, type, required, help, oneOf = [] }) => ({
      name: parameter,
      type,
      required,
      help,
      oneOf,
    })),
  }));
}

/** What is in place, broker by broker. */
export function faultList(brokers: readonly BrokerPicture[]): Promise<readonly BrokerFaultsView[]> {
  return Promise.all(
    brokers.map(async ({ id, peer }): Promise<BrokerFaultsView> => {
      if (peer === null) return { brokerId: id, faults: [], problem: 'it names no peer endpoint' };
      try {
        const faults = await faultsAt(`http://${peer}`).list();
        return {
          brokerId: id,
          faults: faults.map(({ id: fault, fault: name, leftMs, parameters }) => ({
            id: fault,
            name,
            leftMs,
            words: JSON.stringify(parameters),
          })),
          problem: null,
        };
      } catch {
        return { brokerId: id, faults: [], problem: 'it takes no faults: fault.api.enable=true is not set' };
      }
    }),
  );
}

/** `given` is JSON, of the parameters. Rejects with the broker's own words. */
export async function strike(broker: BrokerPicture | undefined, fault: string, given: string): Promise<void> {
  const kind = FAULT_KINDS.find(({ name }) => name === fault);
  if (kind === undefined) throw new BadQuestion(`there is no fault '${fault}'`);
  // The broker checks the parameters; their types are those of its table.
  const faults = faultsOf(broker) as { strike(name: string, what: object): Promise<unknown> };
  await faults.strike(kind.name, objectOf(given));
}

export async function healAll(broker: BrokerPicture | undefined): Promise<void> {
  await faultsOf(broker).healAll();
}

function faultsOf(broker: BrokerPicture | undefined): BrokerFaults {
  if (broker?.peer === undefined || broker.peer === null) throw new BadQuestion('there is no such broker');
  return faultsAt(`http://${broker.peer}`);
}

function objectOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below.
  }
  throw new BadQuestion('given is no JSON object');
}
