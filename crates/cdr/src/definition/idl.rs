//! From `.idl` files, as far as ROS 2 uses that language, to the `.msg` language.

use super::error::DefinitionError;
use super::tokens::{tokens, Token};

/// Modules in modules; ROS 2 has two.
const MAX_DEPTH: usize = 8;

/// A struct as lines of the `.msg` language.
struct Struct {
    /// `package/kind/Type`.
    name: String,
    lines: String,
}

/// The text of a `ros2idl` schema as one of `ros2msg`. `root` is its first type.
pub(super) fn to_msg(root: &str, text: &str) -> Result<String, DefinitionError> {
    let bad = |line: &str| DefinitionError::Line {
        of: root.to_owned(),
        line: line.to_owned(),
    };
    let tokens = tokens(text).map_err(|error| bad(error.0))?;
    let mut parser = Parser {
        rest: &tokens,
        scope: Vec::new(),
        typedefs: Vec::new(),
        structs: Vec::new(),
    };
    if parser.definitions().is_none() {
        return Err(bad(&parser.context()));
    }
    let mut structs = parser.structs;
    let at = structs.iter().position(|each| each.name == root);
    let first = structs.remove(at.ok_or_else(|| bad("no struct of this name"))?);
    let mut msg = first.lines;
    for each in structs {
        let separator = "=".repeat(80);
        msg.push_str(&format!("{separator}\nMSG: {}\n{}", each.name, each.lines));
    }
    Ok(msg)
}

struct Parser<'t> {
    rest: &'t [Token<'t>],
    /// The modules around.
    scope: Vec<&'t str>,
    typedefs: Vec<(String, Type)>,
    structs: Vec<Struct>,
}

/// A type of the `.msg` language: what stands before the name, and the brackets of an array.
#[derive(Clone)]
struct Type {
    base: String,
    brackets: String,
}

impl<'t> Parser<'t> {
    /// Where it stopped, for people.
    fn context(&self) -> String {
        let words: Vec<&str> = self.rest.iter().take(6).map(Token::text).collect();
        words.join(" ")
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Takes the next token if it is this one.
    fn takes(&mut self, text: &str) -> bool {
        let is = matches!(self.rest.first(), Some(Token::Word(t) | Token::Sign(t)) if *t == text);
        if is {
            self.rest = &self.rest[1..];
        }
        is
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        self.takes(text).then_some(())
    }

    fn word(&mut self) -> Option<&'t str> {
        match self.rest.first() {
            Some(Token::Word(word)) => {
                self.rest = &self.rest[1..];
                Some(word)
            }
            _ => None,
        }
    }

    /// All up to the end of a module or of the text.
    fn definitions(&mut self) -> Option<()> {
        while !self.rest.is_empty() && !self.at("}") {
            self.annotations()?;
            if self.takes("module") {
                let name = self.word()?;
                if self.scope.len() == MAX_DEPTH {
                    return None;
                }
                self.scope.push(name);
                self.expect("{")?;
                self.definitions()?;
                self.expect("}")?;
                self.scope.pop();
            } else if self.takes("const") {
                while !self.at(";") {
                    self.next()?;
                }
            } else if self.takes("typedef") {
                let of = self.type_spec()?;
                let name = self.word()?;
                let name = self.full_name(name);
                let of = self.array(of)?;
                self.typedefs.push((name, of));
            } else if self.takes("struct") {
                self.structure()?;
            } else {
                return None;
            }
            self.expect(";")?;
        }
        (self.scope.is_empty() == self.rest.is_empty()).then_some(())
    }

    fn at(&self, text: &str) -> bool {
        matches!(self.rest.first(), Some(Token::Sign(sign)) if *sign == text)
    }

    fn structure(&mut self) -> Option<()> {
        let name = self.word()?;
        self.expect("{")?;
        let mut lines = String::new();
        while !self.takes("}") {
            let default = self.annotations()?;
            let of = self.type_spec()?;
            loop {
                let field = self.word()?;
                let of = self.array(of.clone())?;
                lines.push_str(&format!("{}{} {field}", of.base, of.brackets));
                if let Some(value) = default {
                    lines.push_str(&format!(" {}", of.default(value)));
                }
                lines.push('\n');
                if !self.takes(",") {
                    break;
                }
            }
            self.expect(";")?;
        }
        let name = self.full_name(name);
        self.structs.push(Struct { name, lines });
        Some(())
    }

    /// Skips annotations; gives the default if they say one.
    fn annotations(&mut self) -> Option<Option<Token<'t>>> {
        let mut default = None;
        while self.takes("@") {
            let name = self.word()?;
            if !self.takes("(") {
                continue;
            }
            let mut depth = 1;
            let mut last = None;
            while depth > 0 {
                let token = self.next()?;
                match token {
                    Token::Sign("(") => depth += 1,
                    Token::Sign(")") => depth -= 1,
                    _ => last = Some(token),
                }
            }
            if name == "default" {
                default = last;
            }
        }
        Some(default)
    }

    fn type_spec(&mut self) -> Option<Type> {
        let plain = |base: &str| Type {
            base: base.to_owned(),
            brackets: String::new(),
        };
        let word = self.word()?;
        Some(match word {
            "sequence" => {
                self.expect("<")?;
                // Sequences of sequences: there are none, and any number would be a deep recursion.
                if self.takes("sequence") {
                    return None;
                }
                let of = self.type_spec()?;
                let max = if self.takes(",") {
                    format!("<={}", self.number()?)
                } else {
                    String::new()
                };
                self.expect(">")?;
                of.many(format!("[{max}]"))?
            }
            "string" | "wstring" if self.takes("<") => {
                let max = self.number()?;
                self.expect(">")?;
                plain(&format!("{word}<={max}"))
            }
            "unsigned" => plain(match self.integer()? {
                16 => "uint16",
                32 => "uint32",
                _ => "uint64",
            }),
            "short" | "long" => plain(match self.integer_after(word)? {
                16 => "int16",
                32 => "int32",
                _ => "int64",
            }),
            "boolean" => plain("bool"),
            "octet" => plain("byte"),
            "char" => plain("uint8"),
            "float" => plain("float32"),
            "double" => plain("float64"),
            "string" | "wstring" | "int8" | "uint8" | "int16" | "uint16" | "int32" | "uint32"
            | "int64" | "uint64" => plain(word),
            "wchar" | "any" | "fixed" | "map" => return None,
            scoped if scoped.contains("::") => plain(&scoped.replace("::", "/")),
            local => {
                let name = self.full_name(local);
                let mut typedefs = self.typedefs.iter().rev();
                match typedefs.find(|(known, _)| *known == name) {
                    Some((_, of)) => of.clone(),
                    None => plain(&name),
                }
            }
        })
    }

    fn integer(&mut self) -> Option<u32> {
        let word = self.word()?;
        self.integer_after(word)
    }

    /// The bits of an integer that is named in C's words.
    fn integer_after(&mut self, word: &str) -> Option<u32> {
        match word {
            "short" => Some(16),
            "long" if self.takes("long") => Some(64),
            "long" => Some(32),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u32> {
        self.word()?.parse().ok()
    }

    /// The brackets of an array behind a name.
    fn array(&mut self, of: Type) -> Option<Type> {
        if !self.takes("[") {
            return Some(of);
        }
        let length = self.number()?;
        self.expect("]")?;
        of.many(format!("[{length}]"))
    }

    fn full_name(&self, name: &str) -> String {
        let mut parts = self.scope.clone();
        parts.push(name);
        parts.join("/")
    }
}

impl Type {
    /// So many of it. The `.msg` language has no arrays of arrays.
    fn many(self, brackets: String) -> Option<Self> {
        self.brackets
            .is_empty()
            .then_some(Self { brackets, ..self })
    }

    /// A default as the `.msg` language writes it.
    fn default(&self, value: Token<'_>) -> String {
        match value {
            Token::Text(text) if self.brackets.is_empty() => format!("\"{text}\""),
            // As Python writes a tuple.
            Token::Text(text) => {
                let inside = text.trim_matches(['(', ')', '[', ']']);
                format!("[{}]", inside.trim_end_matches([',', ' ']))
            }
            Token::Word(word) | Token::Sign(word) => word.to_ascii_lowercase(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Definition;

    fn msg(text: &str) -> String {
        to_msg("p/msg/T", text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn fields(inside: &str) -> String {
        msg(&format!(
            "module p {{ module msg {{ struct T {{ {inside} }}; }}; }};"
        ))
    }

    #[test]
    fn every_type_has_its_name_in_the_other_language() {
        for (idl, expected) in [
            ("boolean a;", "bool a\n"),
            ("octet a; char b;", "byte a\nuint8 b\n"),
            (
                "short a; long b; long long c;",
                "int16 a\nint32 b\nint64 c\n",
            ),
            (
                "unsigned short a; unsigned long b; unsigned long long c;",
                "uint16 a\nuint32 b\nuint64 c\n",
            ),
            ("float a, b; double c;", "float32 a\nfloat32 b\nfloat64 c\n"),
            ("string<5> a; wstring b;", "string<=5 a\nwstring b\n"),
            ("sequence<int8> a; int8 b[3];", "int8[] a\nint8[3] b\n"),
            ("sequence<string<2>, 4> a;", "string<=2[<=4] a\n"),
            ("@key q::msg::U a; V b;", "q/msg/U a\np/msg/V b\n"),
        ] {
            assert_eq!(fields(idl), expected, "{idl}");
        }
    }

    #[test]
    fn defaults_are_kept() {
        let defaults = "@default (value=TRUE) boolean a; @unit(value=\"m\") @default(value=-1.5) \
             float b; @default (value=\"x # \\\" y\") string c; \
             @default (value=\"(1, 2)\") uint8 d[2];";
        assert_eq!(
            fields(defaults),
            "bool a true\nfloat32 b -1.5\nstring c \"x # \\\" y\"\nuint8[2] d [1, 2]\n"
        );
    }

    #[test]
    fn typedefs_constants_and_other_files_are_understood() {
        let text = "IDL: p/msg/T\nmodule p { module msg { typedef double nine[9];\n\
             module T_Constants { const string S = \"; }\"; };\n\
             struct T { nine a; p::msg::U u; }; }; };\n\
             ====================\nIDL: p/msg/U\n#include \"x\"\n\
             module p { module msg { typedef float nine[9]; struct U { nine b; }; }; };\n";
        let converted = msg(text);
        let line = "=".repeat(80);
        assert_eq!(
            converted,
            format!("float64[9] a\np/msg/U u\n{line}\nMSG: p/msg/U\nfloat32[9] b\n")
        );
        let definition = Definition::parse_idl("p/msg/T", text).expect("a definition");
        assert_eq!(definition.name(), "p/msg/T");
    }

    #[test]
    fn what_ros_does_not_have_is_refused_and_shown() {
        for bad in [
            "struct T : U { int8 a; };",
            "struct T { wchar a; };",
            "struct T { int8 a[2][3]; };",
            "struct T { sequence<sequence<int8>> a; };",
            "struct T { long double a; };",
            "struct T { int8 a[N]; };",
            "struct T { int8 a; ",
            "enum E { A, B };",
            "};",
            "@default(",
            "struct U { int8 a; };",
        ] {
            let text = format!("module p {{ module msg {{ {bad} }}; }};");
            assert!(to_msg("p/msg/T", &text).is_err(), "{bad}");
        }
        let deep = "module a {".repeat(100_000);
        assert!(to_msg("p/msg/T", &deep).is_err());
        let error = to_msg("p/msg/T", "union X { int8 a; };").unwrap_err();
        assert!(error.to_string().contains("union X"), "{error}");
    }
}
