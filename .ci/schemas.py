"""kubernetes-validate, with each schema read once and not for each object."""

import functools

from kubernetes_validate import SchemaNotFoundError, ValidationError, utils

utils.schema_contents = functools.cache(utils.schema_contents)
utils.all_versions = functools.cache(utils.all_versions)
validate = utils.validate

__all__ = ["SchemaNotFoundError", "ValidationError", "validate"]
