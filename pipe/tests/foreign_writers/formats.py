"""Formats that contain a password, each with a writer and a reader that are not ours.

A writer gets names and values and returns the text of a file; the reader gets that text and returns names and values. Where Python has no library
for a format, the writer follows the document that is cited, and the reader is one of another format whose rules are the same for what was written.
"""
import ast, configparser, csv, io, json, netrc, os, re, shlex, sqlite3, tempfile, tomllib, xml.dom.minidom
import xml.etree.ElementTree as ET
from urllib.parse import quote, unquote, urlsplit

import dotenv, javaproperties, ruamel.yaml
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, FoldedScalarString, LiteralScalarString, SingleQuotedScalarString


def by_dotenv(mode):
    def write(values):
        path = tempfile.mktemp(dir=os.environ.get("TMPDIR"))
        open(path, "w").close()
        for name, value in values.items():
            dotenv.set_key(path, name.upper(), value, quote_mode=mode)
        with open(path) as file:
            text = file.read()
        os.unlink(path)
        return text
    return write


def read_dotenv(text):
    return {k.lower(): v for k, v in dotenv.dotenv_values(stream=io.StringIO(text), interpolate=False).items()}


def yaml():
    made = ruamel.yaml.YAML()
    made.preserve_quotes = True
    return made


def by_yaml(scalar, shape=lambda values: values):
    def write(values):
        out = io.StringIO()
        yaml().dump(shape({k: scalar(v) for k, v in values.items()}), out)
        return out.getvalue()
    return write


def read_yaml(text, path=()):
    data = ruamel.yaml.YAML(typ="safe").load(text)
    for step in path:
        data = data[step]
    return dict(data)


def plain_yaml(values):
    """Only what the writer leaves without marks."""
    text = by_yaml(str)(values)
    assert all(not line.split(": ", 1)[1:] or line.split(": ", 1)[1][0] not in "'\"|>" for line in text.splitlines())
    return text


def compose(values):
    out = io.StringIO()
    yaml().dump({"services": {"db": {"environment": [f"{k.upper()}={v}" for k, v in values.items()]}}}, out)
    return out.getvalue()


def read_compose(text):
    items = ruamel.yaml.YAML(typ="safe").load(text)["services"]["db"]["environment"]
    return {k.lower(): v for k, v in (item.split("=", 1) for item in items)}


def ini(values):
    parser = configparser.RawConfigParser()
    parser["database"] = values
    out = io.StringIO()
    parser.write(out)
    return out.getvalue()


def read_ini(text):
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return dict(parser["database"])


def shell(values):
    return "".join(f"export {k.upper()}={shlex.quote(v)}\n" for k, v in values.items())


def read_shell(text):
    return {k.lower(): v for k, v in (word.split("=", 1) for word in shlex.split(text) if word != "export")}


def flags(values):
    return "".join(f"client-{k.split('_')[0]} {shlex.join(['--password', v])}\n" for k, v in values.items())


def read_flags(text):
    return {shlex.split(line)[0].removeprefix("client-") + "_password": shlex.split(line)[2] for line in text.splitlines()}


def dockerfile(values):
    """https://docs.docker.com/reference/dockerfile/#env and #escape: within quotes, a backslash escapes itself and the mark."""
    return "FROM scratch\n" + "".join(
        'ENV %s="%s"\n' % (k.upper(), re.sub(r'([\\"])', r"\\\1", v)) for k, v in values.items() if "$" not in v or bad())


def read_dockerfile(text):
    words = [shlex.split(line)[1] for line in text.splitlines()[1:]]
    return {k.lower(): v for k, v in (word.split("=", 1) for word in words)}


def bad():
    raise ValueError("not a value of this format")


def toml(mark):
    """https://toml.io/en/v1.0.0#string"""
    def one(value):
        if mark == '"':
            return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'
        return f"'{value}'" if "'" not in value else f"'''{value}'''"
    return lambda values: "[database]\n" + "".join(f"{k} = {one(v)}\n" for k, v in values.items())


def xml_elements(values):
    root = ET.Element("settings")
    for k, v in values.items():
        ET.SubElement(root, k).text = v
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def xml_attributes(values):
    root = ET.Element("appSettings")
    for k, v in values.items():
        ET.SubElement(root, "add", key=k, value=v)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def xml_cdata(values):
    document = xml.dom.minidom.Document()
    root = document.appendChild(document.createElement("settings"))
    for k, v in values.items():
        root.appendChild(document.createTextNode("\n"))
        root.appendChild(document.createElement(k)).appendChild(document.createCDATASection(v))
    return root.toxml() + "\n"


def read_elements(text):
    return {element.tag: element.text for element in ET.fromstring(text)}


def sql(values):
    """The SQL standard's character string literal; https://www.sqlite.org/lang_expr.html#literal_values_constants_"""
    return "".join("ALTER ROLE %s_app WITH PASSWORD '%s';\n" % (k.split("_")[0], v.replace("'", "''")) for k, v in values.items())


def read_sql(text):
    found = re.findall(r"ALTER ROLE (\w+)_app WITH PASSWORD (.*);\n", text)
    with sqlite3.connect(":memory:") as db:
        return {k + "_password": db.execute("SELECT " + literal).fetchone()[0] for k, literal in found}


def urls(values):
    return "".join(f"{k.split('_')[0]} = postgres://shop:{quote(v, safe='')}@{k.split('_')[0]}.internal:5432/shop\n" for k, v in values.items())


def read_urls(text):
    lines = [line.split(" = ", 1) for line in text.splitlines()]
    return {k + "_password": unquote(urlsplit(v).password) for k, v in lines}


def connections(values):
    """https://learn.microsoft.com/dotnet/api/system.data.sqlclient.sqlconnection.connectionstring: a value without `;` and quotes is written unchanged."""
    strings = {k.split("_")[0]: f"Server=db;User Id=shop;Password={v};Encrypt=true" for k, v in values.items()}
    if any(set(v) & set("\"'") or v[0] in "{=" for v in values.values()):
        bad()
    return json.dumps({"ConnectionStrings": strings}, indent=2) + "\n"


def read_connections(text):
    parts = {k: dict(part.split("=", 1) for part in v.split(";")) for k, v in json.loads(text)["ConnectionStrings"].items()}
    return {k + "_password": v["Password"].strip() for k, v in parts.items()}


def machines(values):
    return "".join(f"machine {k.split('_')[0]}.internal\n  login shop\n  password {v}\n" for k, v in values.items())


def read_machines(text):
    path = tempfile.mktemp(dir=os.environ.get("TMPDIR"))
    with open(path, "w") as file:
        file.write(text)
    try:
        return {host.split(".")[0] + "_password": entry[2] for host, entry in netrc.netrc(path).hosts.items()}
    finally:
        os.unlink(path)


def escaped(mark):
    """A literal in which a backslash escapes itself and the mark, and nothing else that is printable has to be escaped."""
    return lambda value: mark + re.sub(r"([\\%s])" % mark, r"\\\1", value) + mark


def doubled(mark):
    return lambda value: mark + value.replace(mark, mark * 2) + mark


def literals(line, literal, read):
    """A program of one line for each value: `line` contains the name and, last, the literal."""
    def camel(name):
        return re.sub(r"_(\w)", lambda m: m[1].upper(), name)
    head, tail = line.split("LITERAL")

    def write(values):
        return "".join(head.replace("NAME", camel(k)) + literal(v) + tail + "\n" for k, v in values.items())

    def read_all(text):
        found = {}
        for row in text.splitlines():
            name = re.search(r"([a-z]+)Password", row)[1]
            found[name + "_password"] = read(row[len(head.replace("NAME", name + "Password")): len(row) - len(tail)])
        return found
    return write, read_all


def as_csv(mark):
    return lambda literal: next(csv.reader([literal], quotechar=mark, doublequote=True, strict=True))[0]


def raw(open_, close):
    return (lambda value: open_ + (value if close[0] not in value else bad()) + close,
            lambda literal: literal.removeprefix(open_).removesuffix(close))


KEYS = ("stringData",)
FORMATS = {  # name: (file, writer, reader)
    "json": ("settings.json", lambda values: json.dumps(values, indent=2) + "\n", json.loads),
    "dotenv, quoted": (".env", by_dotenv("always"), read_dotenv),
    "dotenv, bare": (".env", by_dotenv("never"), read_dotenv),
    "yaml, plain": ("application.yml", plain_yaml, read_yaml),
    "yaml, single": ("application.yml", by_yaml(SingleQuotedScalarString), read_yaml),
    "yaml, double": ("application.yml", by_yaml(DoubleQuotedScalarString), read_yaml),
    "yaml, literal": ("application.yml", by_yaml(LiteralScalarString), read_yaml),
    "yaml, folded": ("application.yml", by_yaml(FoldedScalarString), read_yaml),
    "kubernetes": ("secret.yaml", by_yaml(str, lambda values: {"kind": "Secret", "apiVersion": "v1", "stringData": values}),
                   lambda text: read_yaml(text, KEYS)),
    "compose": ("docker-compose.yml", compose, read_compose),
    "properties": ("application.properties", lambda values: javaproperties.dumps(values, timestamp=None), javaproperties.loads),
    "ini": ("settings.ini", ini, read_ini),
    "toml, basic": ("settings.toml", toml('"'), lambda text: tomllib.loads(text)["database"]),
    "toml, literal": ("settings.toml", toml("'"), lambda text: tomllib.loads(text)["database"]),
    "shell": ("deploy.sh", shell, read_shell),
    "command line": ("run.sh", flags, read_flags),
    "dockerfile": ("Dockerfile", dockerfile, read_dockerfile),
    "xml, element": ("settings.xml", xml_elements, read_elements),
    "xml, attribute": ("app.config", xml_attributes, lambda text: {e.get("key"): e.get("value") for e in ET.fromstring(text)}),
    "xml, cdata": ("settings.xml", xml_cdata, read_elements),
    "sql": ("roles.sql", sql, read_sql),
    "url": ("databases.conf", urls, read_urls),
    "connection string": ("appsettings.json", connections, read_connections),
    "netrc": (".netrc", machines, read_machines),
    # https://docs.oracle.com/javase/specs/jls/se21/html/jls-3.html#jls-3.10.7
    "java": ("Settings.java", *literals('  static final String NAME = LITERAL;', escaped('"'), json.loads)),
    # https://go.dev/ref/spec#String_literals
    "go": ("settings.go", *literals('var NAME = LITERAL', escaped('"'), json.loads)),
    "go, raw": ("settings.go", *literals('var NAME = LITERAL', *raw("`", "`"))),
    # https://doc.rust-lang.org/reference/tokens.html#string-literals
    "rust": ("settings.rs", *literals('let NAME = LITERAL;', escaped('"'), json.loads)),
    "rust, raw": ("settings.rs", *literals('let NAME = LITERAL;', *raw('r#"', '"#'))),
    # https://tc39.es/ecma262/#sec-literals-string-literals
    "javascript": ("settings.js", *literals("const NAME = LITERAL;", escaped("'"), ast.literal_eval)),
    "python": ("settings.py", *literals("NAME = LITERAL", repr, ast.literal_eval)),
    # https://learn.microsoft.com/dotnet/csharp/language-reference/tokens/verbatim
    "c#, verbatim": ("Settings.cs", *literals("  const string NAME = @LITERAL;", doubled('"'), as_csv('"'))),
    # https://www.php.net/manual/language.types.string.php#language.types.string.syntax.single
    "php": ("settings.php", *literals("$NAME = LITERAL;", escaped("'"), ast.literal_eval)),
    # https://docs.ruby-lang.org/en/3.3/syntax/literals_rdoc.html#label-Strings
    "ruby": ("settings.rb", *literals("NAME = LITERAL", escaped("'"), ast.literal_eval)),
    # C11 6.4.5
    "c": ("settings.c", *literals('static const char *NAME = LITERAL;', escaped('"'), json.loads)),
    # https://learn.microsoft.com/dotnet/visual-basic/programming-guide/language-features/strings/
    "basic": ("Settings.vb", *literals('Dim NAME As String = LITERAL', doubled('"'), as_csv('"'))),
    # https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules
    "powershell": ("settings.ps1", *literals("$NAME = LITERAL", doubled("'"), as_csv("'"))),
}
