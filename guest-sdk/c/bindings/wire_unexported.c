/* The generated code without its exports. It exports every function of the contract; a plugin exports those that it has.
 * So the generated functions are ordinary ones here, which the linker leaves out unless a macro of holdline.h calls them.
 * The one that every component exports, cabi_realloc, is in src/memory.c. */
#define __export_name__(name) __unused__
#include "wire.c"

/* Generated with --no-object-file: whoever makes the component says what its type is. */
void __component_type_object_force_link_wire(void) {}
