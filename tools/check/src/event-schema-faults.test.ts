import { join } from 'node:path';
import {
  createFileRegistry,
  type DescFile,
  type DescMessage,
  fromBinary,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { type EventCatalogue, orderEvents } from '@ordermesh/contract';
import { expect, test } from 'vitest';
import { eventSchemaFaults, GOLDEN_DIR, goldenFiles } from './event-schema-faults.ts';

const files = goldenFiles(join(import.meta.dirname, '../../..'));

/** The catalogue after somebody edited the proto files: the message `name` is changed wherever it is used. */
function edited(
  name: string,
  edit: (message: DescriptorProto) => void,
  more: Partial<EventCatalogue> = {},
): EventCatalogue {
  const schemas = Object.fromEntries(
    Object.entries(orderEvents.schemas).map(([type, schema]) => [type, copyOf(schema, name, edit)]),
  );
  return { ...orderEvents, schemas, ...more };
}

function copyOf(schema: DescMessage, name: string, edit: (message: DescriptorProto) => void) {
  const seen = new Map<string, DescFile>();
  const collect = (file: DescFile) => {
    if (seen.has(file.name)) return;
    for (const dependency of file.dependencies) collect(dependency);
    seen.set(file.name, file);
  };
  collect(schema.file);
  const protos = [...seen.values()].map((file) => {
    const copy = fromBinary(
      FileDescriptorProtoSchema,
      toBinary(FileDescriptorProtoSchema, file.proto),
    );
    for (const message of copy.messageType) if (message.name === name) edit(message);
    return copy;
  });
  const set = { $typeName: FileDescriptorSetSchema.typeName, file: protos };
  const copy = createFileRegistry(set).getMessage(schema.typeName);
  if (copy === undefined) throw new Error(`no ${schema.typeName} in the copy`);
  return copy;
}

const field = (message: DescriptorProto, name: string) => {
  const found = message.field.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no field ${name}`);
  return found;
};
const nothing = () => {};
const addField = (message: DescriptorProto) => {
  const [first] = message.field;
  if (first === undefined) throw new Error('no field to copy');
  message.field.push({ ...first, name: 'added', jsonName: 'added', number: 99 });
};

test('finds nothing as things are', () => {
  expect(eventSchemaFaults(orderEvents, files)).toEqual([]);
  expect(eventSchemaFaults(edited('OrderPaid', nothing), files)).toEqual([]);
});

test.each<[string, string, (message: DescriptorProto) => void, RegExp]>([
  [
    'a new field',
    'OrderPaid',
    addField,
    /^OrderPaid changed \(ordermesh\.order\.v1\.OrderPaid has "99 added string"\) and its schema version is still 1: append a step to libs\/contract\/src\/upcasters\.ts and commit OrderPaid\.v2\.json$/,
  ],
  [
    'a removed field',
    'OrderShipped',
    (message) => void message.field.pop(),
    /OrderShipped had "1 tracking_number string"/,
  ],
  [
    'a renamed field',
    'OrderCancelled',
    (message) => Object.assign(field(message, 'reason'), { name: 'why', jsonName: 'why' }),
    /OrderCancelled had "1 reason string"/,
  ],
  [
    'another JSON name',
    'OrderCancelled',
    (message) => Object.assign(field(message, 'reason'), { jsonName: 'why' }),
    /OrderCancelled had "1 reason string"/,
  ],
  [
    'another number',
    'OrderCancelled',
    (message) => Object.assign(field(message, 'reason'), { number: 2 }),
    /OrderCancelled had "1 reason string"/,
  ],
  [
    'another type',
    'OrderShipped',
    (message) =>
      Object.assign(field(message, 'tracking_number'), { type: FieldDescriptorProto_Type.BYTES }),
    /OrderShipped had "1 tracking_number string"/,
  ],
  [
    'a list instead of one',
    'OrderShipped',
    (message) =>
      Object.assign(field(message, 'tracking_number'), {
        label: FieldDescriptorProto_Label.REPEATED,
      }),
    /OrderShipped had "1 tracking_number string"/,
  ],
])('refuses %s without a step from the version before', (_, name, edit, fault) => {
  expect(eventSchemaFaults(edited(name, edit), files)).toEqual([expect.stringMatching(fault)]);
});

test('sees into the messages that an event has parts of', () => {
  const faults = eventSchemaFaults(edited('Money', addField), files);
  expect(faults.length).toBeGreaterThan(1);
  for (const fault of faults) expect(fault).toContain('ordermesh.type.v1.Money has "99 added');
});

test('takes a changed event with a step and events of the new version, and keeps the old ones', () => {
  const upcasters = { OrderShipped: [(data: object) => data as never] };
  const changed = edited('OrderShipped', addField, { upcasters });
  const [missing, ...others] = eventSchemaFaults(changed, files);
  expect(others).toEqual([]);
  expect(missing).toMatch(/OrderShipped\.v2\.json is missing: .*"99 added string"/);
  const old = files.get('OrderShipped.v1.json');
  if (old === undefined) throw new Error('no golden file');
  const schema = {
    'ordermesh.order.v1.OrderShipped': ['1 tracking_number string', '99 added string'],
  };
  const added = new Map([...files, ['OrderShipped.v2.json', { ...old, schemaVersion: 2, schema }]]);
  expect(eventSchemaFaults(changed, added)).toEqual([]);
  added.delete('OrderShipped.v1.json');
  expect(eventSchemaFaults(changed, added)).toEqual([
    expect.stringContaining('OrderShipped.v1.json is missing'),
  ]);
});

test('refuses a new event of which nothing is stored yet, and files of no event', () => {
  const { OrderPaid, ...rest } = orderEvents.schemas;
  const renamed = { ...orderEvents, schemas: { ...rest, OrderSettled: OrderPaid as DescMessage } };
  expect(eventSchemaFaults(renamed, files)).toEqual([
    expect.stringContaining(`${GOLDEN_DIR}/OrderSettled.v1.json is missing`),
    `${GOLDEN_DIR}/OrderPaid.v1.json is of no event or schema version that the catalogue has`,
  ]);
});

test('refuses a file that is of another event than its name says, or empty', () => {
  const [name, file] = [...files][0] ?? [];
  if (name === undefined || file === undefined) throw new Error('no golden file');
  const wrong = new Map([...files, [name, { ...file, schemaVersion: 7, events: [] }]]);
  expect(eventSchemaFaults(orderEvents, wrong)).toEqual([
    expect.stringContaining('of schema version 7'),
    expect.stringContaining('has no event'),
  ]);
});
