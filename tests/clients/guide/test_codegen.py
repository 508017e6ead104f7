"""GraphQL Code Generator and TypeScript, with the code of docs/clients.md."""

import pytest

from bench.harness.programs import ProgramFailed
from tests.clients.guide.page import Guide

GENERATOR = "node_modules/@graphql-codegen/cli/esm/bin.js"
COMPILER = "node_modules/typescript/bin/tsc"
OPTIONS = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler"]
WRONG = """
import { totalSize } from './files'
export const size: string = await totalSize(async () => ({ data: null }))
"""
EXACT = """
import type { FilesQuery } from './gql/graphql'
type File = FilesQuery['files']['nodes'][number]
export const size = (file: File): number => file.size
export const createdAt = (file: File): string => file.createdAt
export const url = (file: File): string | null => file.download && file.download.url
"""


async def test_documents_have_types_that_typescript_accepts(guide: Guide) -> None:
    await guide.node(GENERATOR, "--config", "codegen.ts")
    sources = guide.folder / "src"
    (sources / "exact.ts").write_text(EXACT)
    await guide.node(COMPILER, *OPTIONS, "src/files.ts", "src/exact.ts")
    (sources / "wrong.ts").write_text(WRONG)
    with pytest.raises(ProgramFailed, match="TS2322"):
        await guide.node(COMPILER, *OPTIONS, "src/wrong.ts")
