// The grammar of `teeline contexts`.

extension Commands {
    /// The commands about contexts.
    static let contexts = [
        listContexts, showContext, setContext, removeContext, importContexts, exportContexts,
    ]

    private static let url = OptionSyntax(
        "--url", .text, "URL", "the running server's address (default: as configured, on this machine)")
    private static let phone = OperandSyntax(name: "PHONE")
    private static let reading = "Reads the archive itself, beside a running server or without one."
    private static let changing = """
        Beside a running server the change goes through its API, with TEELINE_API_TOKEN when it has tokens; without one
        straight into the archive.
        """

    static let listContexts = CommandSyntax(
        words: ["contexts", "list"], summary: "list customers' contexts, by number", details: reading,
        options: [
            OptionSyntax("--limit", .integer(1...200), "N", "most items (default: 50)"),
            OptionSyntax("--cursor", .text, "PHONE", "begin after this number"), storage, config,
            OptionSyntax("--json", "the API's JSON instead of a table"),
        ])

    static let showContext = CommandSyntax(
        words: ["contexts", "show"], summary: "show what is known of a customer", details: reading,
        operands: [phone],
        options: [storage, config, OptionSyntax("--json", "the API's JSON instead of text")])

    static let setContext = CommandSyntax(
        words: ["contexts", "set"], summary: "set fields of a customer's context",
        details: changing + "\nOther fields stay; an empty value removes its field.",
        operands: [phone, OperandSyntax(name: "KEY=VALUE", isRepeated: true)],
        options: [url, storage, config],
        examples: ["teeline contexts set +15550100 name='Ada Lovelace' vip=true"])

    static let removeContext = CommandSyntax(
        words: ["contexts", "remove"], summary: "remove what is known of a customer", details: changing,
        operands: [phone], options: [url, storage, config])

    static let importContexts = CommandSyntax(
        words: ["contexts", "import"], summary: "store many customers' contexts from a file",
        details: changing + """

            FILE is .csv (a first line with the fields' names, the first of them phone; an empty cell is no field) or
            .json (an array of objects with phone and the fields), at most 8 MiB. All of it is stored, or nothing.
            """,
        operands: [OperandSyntax(name: "FILE")], options: [url, storage, config],
        examples: ["teeline contexts import customers.csv"])

    static let exportContexts = CommandSyntax(
        words: ["contexts", "export"], summary: "write all customers' contexts as JSON or CSV",
        details: reading + " What it writes can be imported. A file that exists is not overwritten.",
        options: [
            OptionSyntax("--form", .choice(["json", "csv"]), "FORM", "json or csv (default: json)"),
            OptionSyntax("--output", .text, "FILE", "where to (default: standard output)"), storage, config,
        ])
}
