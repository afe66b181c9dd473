/**
 * A test cluster of another process, by its commands: the same members with the same arguments, each of
 * them a promise. For the workers of a test runner whose global set-up has started the cluster.
 */
import type { KitCluster } from '../kit-cluster.ts';
import { COMMANDS, type Command, type CommandName } from './commands.ts';

type MemberName = Exclude<CommandName, 'advance' | 'awaitAssigned' | 'failNext'>;

export type RemoteCluster = {
  readonly [Name in MemberName]: (
    ...given: Parameters<KitCluster[Name]>
  ) => Promise<Awaited<ReturnType<KitCluster[Name]>>>;
} & {
  /** Partitions by the ids of members. */
  awaitAssigned(
    ...given: Parameters<KitCluster['awaitAssigned']>
  ): Promise<Readonly<Record<string, readonly number[]>>>;
  /** It is gone when it has struck as often as it may, or with `reset`. */
  failNext(...given: Parameters<KitCluster['failNext']>): Promise<void>;
  readonly clock: KitCluster['clock'];
};

/** Nothing is asked for yet. */
export function commandsAt(adminUrl: string): RemoteCluster {
  const members = [...COMMANDS.values()].map((command) => [
    command.name,
    (...given: unknown[]) => ask(adminUrl, command.name, bodyOf(command, given)),
  ]);
  const advance = async (ms: number): Promise<void> => {
    await ask(adminUrl, 'advance', { ms });
  };
  return { ...Object.fromEntries(members), clock: { advance } } as RemoteCluster;
}

/** The parameters of a command are in the order of the member's arguments; options are the rest of them. */
function bodyOf({ parameters, takesRest }: Command, given: readonly unknown[]): Record<string, unknown> {
  const [first] = parameters;
  if (takesRest === true && first !== undefined) return { [first.name]: given };
  const body: Record<string, unknown> = {};
  for (const [index, argument] of given.entries()) {
    const parameter = parameters[index];
    const isOptions =
      typeof argument === 'object' && !Array.isArray(argument) && parameter?.type !== 'object';
    if (isOptions) Object.assign(body, argument);
    else if (parameter !== undefined) body[parameter.name] = argument;
  }
  return body;
}

async function ask(adminUrl: string, command: CommandName, body: object): Promise<unknown> {
  const response = await fetch(`${adminUrl}/${command}`, { method: 'POST', body: JSON.stringify(body) });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error((answer as { error: string }).error);
  return answer;
}
