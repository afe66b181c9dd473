/** The controller module, which every broker has; it stands for election when it is started up. */
import { Controller } from '../controller/controller.ts';
import type { Ground, Parts } from './parts.ts';

export function makeController(
  { platform, store, stops }: Ground,
  { config, peers }: Pick<Parts, 'config' | 'peers'>,
): Controller {
  const controller = new Controller({ brokerId: config.brokerId, platform, config, peers, store });
  // Below the logs: it goes on deciding for the cluster until this broker has nothing more of its own to end.
  stops.push({ name: 'the controller', stop: () => controller.shutdown() });
  return controller;
}
