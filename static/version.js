/** Which version of the client this is, to be appended to the address of what it loads; the server fills it in as it joins the modules. */
export const VERSION = "";
