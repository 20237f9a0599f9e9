/**
 * Takes each contestant once per round, so that what disturbs the machine disturbs all of them, and begins each round with another one, so that none
 * always comes after the same.
 * @returns the samples of each contestant, in their order
 */
export async function interleaved<C, S>(
  rounds: number,
  contestants: readonly C[],
  take: (contestant: C, round: number) => Promise<S>,
): Promise<S[][]> {
  const samples = contestants.map((): S[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (round + turn) % contestants.length;
      samples[index]?.push(await take(contestants[index] as C, round));
    }
  }
  return samples;
}
