"""An import-linter contract by allow-list: what is not named may not be imported."""

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class AllowedContract(Contract):
    """Holds some modules' direct imports to an allow-list, beside the standard library.

    Each module named stands for its package: itself and everything below. A module that does not
    exist (yet) imports nothing.

    - importers: the modules held to the list.
    - except_importers: modules among them that are not. (Optional.)
    - allowed: what they may import.
    - within: if given, only imports of these modules are looked at. (Optional.)
    """

    type_name = "allowed"

    importers: Any = fields.ListField(subfield=fields.StringField())
    except_importers: Any = fields.ListField(
        subfield=fields.StringField(), required=False, default=[]
    )
    allowed: Any = fields.ListField(subfield=fields.StringField())
    within: Any = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Collect the imports that the list does not allow."""
        violations = sorted(
            (importer, imported)
            for importer in graph.modules
            if _is_below(importer, self.importers)
            and not _is_below(importer, self.except_importers)
            for imported in graph.find_modules_directly_imported_by(importer)
            if not self._is_allowed(imported)
        )
        lines = [
            f"{importer} may not import {imported} (l.{detail['line_number']})"
            for importer, imported in violations
            for detail in graph.get_import_details(importer=importer, imported=imported)
        ]
        return ContractCheck(kept=not lines, metadata={"lines": lines})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each import that is not allowed."""
        for line in check.metadata["lines"]:
            output.print_error(f"- {line}", bold=False)
        output.new_line()

    def _is_allowed(self, imported: str) -> bool:
        if imported.partition(".")[0] in sys.stdlib_module_names:
            return True
        if self.within and not _is_below(imported, self.within):
            return True
        return _is_below(imported, self.allowed)


def _is_below(module: str, packages: list[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
