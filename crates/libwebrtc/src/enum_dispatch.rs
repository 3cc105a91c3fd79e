//! A macro that forwards methods of an enum to the value inside its variants.

/// Defines methods on an enum that call the method of the same name on the payload of each variant.
///
/// `livekit` uses this macro by its path `libwebrtc::enum_dispatch!`, with a list of variants and
/// method signatures whose receiver is spelled `self: &Self`.
#[macro_export]
macro_rules! enum_dispatch {
    ($variants:tt; $($vis:vis fn $name:ident $args:tt -> $ret:ty;)+) => {
        $($crate::enum_dispatch!(@method $variants, $vis, $name, $args, $ret);)+
    };
    (@method $variants:tt, $vis:vis, $name:ident,
     ($this:ident: $this_ty:ty $(, $arg:ident: $arg_ty:ty)*), $ret:ty) => {
        #[allow(missing_docs)]
        #[inline]
        $vis fn $name($this: $this_ty $(, $arg: $arg_ty)*) -> $ret {
            $crate::enum_dispatch!(@match $variants, $this, $name, ($($arg),*))
        }
    };
    (@match [$($variant:ident),+], $this:ident, $name:ident, $values:tt) => {
        match $this {
            $(Self::$variant(inner) => $crate::enum_dispatch!(@call inner, $name, $values),)+
        }
    };
    (@call $inner:ident, $name:ident, ($($value:ident),*)) => {
        $inner.$name($($value),*)
    };
}

#[cfg(test)]
mod tests {
    struct Plain(u32);

    impl Plain {
        fn add(&self, n: u32) -> u32 {
            self.0 + n
        }
        fn get(&self) -> u32 {
            self.0
        }
    }

    enum Either {
        Left(Plain),
        Right(Plain),
    }

    impl Either {
        enum_dispatch!(
            [Left, Right];
            fn add(self: &Self, n: u32) -> u32;
            fn get(self: &Self) -> u32;
        );
    }

    #[test]
    fn forwards_to_the_payload() {
        assert_eq!(Either::Left(Plain(1)).add(2), 3);
        assert_eq!(Either::Right(Plain(5)).get(), 5);
    }
}
