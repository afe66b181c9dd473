/** The controller module, which every broker has; it stands for election when it is started up. */
import { Controller } from '../controller/controller.ts';
import type { Ground, Parts } from './parts.ts';

/** Not standing for election yet. */
export function makeController(
  { platform, store, stops }: Ground,
  { config, configs, peers }: Pick<Parts, 'config' | 'configs' | 'peers'>,
): Controller {
  const controller = new Controller({
    brokerId: config.brokerId,
    platform,
    config,
    liveConfig: configs.live,
    peers,
    store,
  });
  // Stops after the logs: it goes on deciding for the cluster until this broker has nothing more of its own to end.
  stops.push({ name: 'the controller', stop: () => controller.shutdown() });
  return controller;
}
