/** `odradek broker`: one broker from a server.properties file. */
import { readFileSync } from 'node:fs';
import { runBroker } from '../../broker/main.ts';
import { forwardEvents } from '../cluster/broker-events.ts';
import { tellParent, untilParentAsks, untilSignalled } from '../cluster/ending.ts';
import { parentAsSupervisor } from '../cluster/orders.ts';
import { overrides } from '../cluster/overrides.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';

export const brokerCommand: CommandSpec = {
  name: 'broker',
  summary: "Runs one broker; properties have Kafka's names.",
  options: [
    { name: 'config', value: 'FILE', help: 'a server.properties file', required: true },
    {
      name: 'override',
      value: 'KEY=VALUE',
      repeats: true,
      help: 'a property that replaces the one of the file; may be repeated',
    },
  ],
  outlivesOutput: true,
  run,
};

async function run(given: Arguments): Promise<number> {
  const file = given.needText('config');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`--config ${file} can't be read`);
  }
  const asked = Promise.race([untilSignalled(), untilParentAsks()]);
  const running = await runBroker(text, {
    overrides: overrides(given.all('override')),
    stop: asked,
    observe: (journal) => {
      if (process.connected) forwardEvents(journal, tellParent);
    },
    supervisor: parentAsSupervisor(),
  });
  if (running.problem !== null) throw new UsageError(running.problem);
  if (!running.isRunning) return 0;
  tellParent({ type: 'started', port: running.port, peerPort: running.peerPort });
  await asked;
  return running.shutdown();
}
