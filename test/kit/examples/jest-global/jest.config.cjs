/** One cluster for the whole run of jest; `globals.odradek` has its options. */
module.exports = {
  globalSetup: 'odradek/testkit/jest',
  globalTeardown: 'odradek/testkit/jest-teardown',
  globals: { odradek: { brokers: 3, topics: ['orders'] } },
};
