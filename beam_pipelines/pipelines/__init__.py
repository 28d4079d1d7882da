"""The pipelines, one Flex Template each: options, build(pipeline, settings), main."""
