// Run by commonjs.test.ts: a program in CommonJS that stamps the lines of both loggers.
const { pino } = require('pino');
const winston = require('winston');
const { BoundedClock, HybridClock, systemClock } = require('../../dist/index.js');
const { stampLines } = require('../../dist/pino.js');
const { stampFormat } = require('../../dist/winston.js');

const clock = BoundedClock.start({
  sources: [
    {
      name: 'a',
      start: () => ({ pollIntervalMs: 1000, burst() {}, discardInFlight() {}, stop() {} }),
    },
  ],
});
const hlc = new HybridClock({ clock, nodeId: 'orders-3', beforeSync: systemClock() });
pino(stampLines({ hlc, clock })).info('from pino');
const format = winston.format.combine(stampFormat({ hlc, clock }), winston.format.json());
winston
  .createLogger({ format, transports: [new winston.transports.Console()] })
  .info('from winston');
clock.stop();
