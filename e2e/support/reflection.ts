import { create, createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { Client, credentials } from '@grpc/grpc-js';

/** Versions of the reflection protocol; their messages are the same. */
export type ReflectionVersion = 'v1' | 'v1alpha';

// Field numbers of grpc/reflection/v1/reflection.proto.
const request = { fileByName: 3, fileContainingSymbol: 4, listServices: 7 };
const response = { files: 4, services: 6 };

/** Names of the services that a server lists, sorted. */
export async function listedServices(
  address: string,
  version: ReflectionVersion,
): Promise<readonly string[]> {
  const answer = await ask(address, version, request.listServices, '*');
  const [list = new Uint8Array()] = fieldsOf(answer)[response.services] ?? [];
  const services = fieldsOf(list)[1] ?? [];
  return services.map((one) => Buffer.from(fieldsOf(one)[1]?.[0] ?? []).toString()).sort();
}

/**
 * A service as a generic client finds it: asks for the file that declares it and for everything that it imports.
 * @throws Error when the server does not have a file that another one imports
 */
export async function describedService(
  address: string,
  version: ReflectionVersion,
  name: string,
): Promise<DescService | undefined> {
  const seen = new Set<string>();
  const visit = async (field: number, text: string): Promise<readonly FileDescriptorProto[]> => {
    const answer = await ask(address, version, field, text);
    const [list] = fieldsOf(answer)[response.files] ?? [];
    const [bytes] = list ? (fieldsOf(list)[1] ?? []) : []; // first the file itself, then some of its imports
    if (!bytes) throw new Error(`the server has no ${text}`);
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    seen.add(file.name);
    const imports: FileDescriptorProto[] = [];
    for (const one of file.dependency)
      if (!seen.has(one)) imports.push(...(await visit(request.fileByName, one)));
    return [...imports, file];
  };
  const file = [...(await visit(request.fileContainingSymbol, name))];
  return createFileRegistry(create(FileDescriptorSetSchema, { file })).getService(name);
}

/** One question on a stream of its own. */
async function ask(
  address: string,
  version: ReflectionVersion,
  field: number,
  text: string,
): Promise<Uint8Array> {
  const client = new Client(address, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  try {
    const call = client.makeBidiStreamRequest(path, same, same, { deadline: Date.now() + 10_000 });
    const answered = new Promise<Uint8Array>((resolve, reject) => {
      call.on('data', resolve);
      call.on('error', reject);
    });
    const bytes = new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish();
    call.write(Buffer.from(bytes));
    call.end();
    return await answered;
  } finally {
    client.close();
  }
}

/** The length-delimited fields of a message, by number. */
function fieldsOf(bytes: Uint8Array): Record<number, Uint8Array[]> {
  const fields: Record<number, Uint8Array[]> = {};
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.LengthDelimited)
      fields[number] = [...(fields[number] ?? []), reader.bytes()];
    else reader.skip(type);
  }
  return fields;
}
