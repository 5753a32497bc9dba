import type { BoundedReader } from '../../src/bounded-clock/bounded-reader.ts';
import type { SimProcess } from '../../src/sim/sim-process.ts';
import type { SimWorld } from '../../src/sim/world.ts';
import { BoundedAnswers } from '../../src/sources/ntp/bounded-answers.ts';

/** Serves `clock` on port 123 of `process` in the simulated network. Returns how to stop it. */
export function serveOnSim(world: SimWorld, process: SimProcess, clock: BoundedReader): () => void {
  const random = world.random.fork(`ids of ${process.name}`);
  const answers = new BoundedAnswers(clock, 3, () => random.uint32());
  const own = { host: process.name, port: 123 };
  return world.network.attach(
    own,
    process.bind((request, from) => {
      const reply = answers.answer(request, answers.receive());
      if (reply !== undefined) world.network.send(own, from, reply);
    }),
  );
}
