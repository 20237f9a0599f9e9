// For the tests of adapters and of what consumes a bus.
export { type BusEnvironment, type BusUnderTest, describeBus } from './bus-conformance.ts';
export { type Recorder, type RecorderOverrides, recorder } from './recorder.ts';
export { type SampleLog, sampleLog } from './sample-log.ts';
export { runVictim, startVictim, type Victim } from './victim.ts';
